import { KafkaAdmin, type KafkaSettings } from '@adtally/kafka';
import { PARTITIONS, topicsOf } from './preload/preload.ts';

export type Topics = ReturnType<typeof topicsOf>;

const BROKER_DEFAULT_REPLICATION = -1;
const CONFIG = { 'message.timestamp.type': 'LogAppendTime' } as const;
let made = 0;

/** Runs a phase on empty topics of its own and removes them afterwards. */
export async function withScratchTopics<T>(
  kafka: KafkaSettings,
  work: (topics: Topics, base: string, admin: KafkaAdmin) => Promise<T>,
): Promise<T> {
  made += 1;
  const base = `adtally-bench-${Date.now().toString(36)}-${process.pid}-${made}`;
  const topics = topicsOf(base);
  const admin = new KafkaAdmin(kafka);
  try {
    await admin.ensureTopics(
      Object.values(topics).map((name) => ({
        name,
        partitions: PARTITIONS,
        replication: BROKER_DEFAULT_REPLICATION,
        config: CONFIG,
      })),
    );
    return await work(topics, base, admin);
  } finally {
    for (const name of Object.values(topics)) await admin.deleteTopic(name);
    admin.close();
  }
}

import type { SourceRecord } from '@adtally/event-schema';
import { GroupConsumer, KafkaAdmin } from '@adtally/kafka';
import { kafkaBrokers, uniqueName, waitFor } from '@adtally/testkit';

const FETCH_WAIT_MS = 50;
const FETCH_RECORDS = 1_000;

/** How many records partition 0 of a topic has taken so far. */
export async function endOf(topic: string): Promise<number> {
  const admin = new KafkaAdmin(await settings());
  try {
    return (await admin.watermarks(topic, 0)).end;
  } finally {
    admin.close();
  }
}

/** Every record of partition 0, as a consumer gets it. */
export async function readAll(topic: string): Promise<SourceRecord[]> {
  const end = await endOf(topic);
  const member = await GroupConsumer.connect(await settings(), {
    groupId: uniqueName('reader'),
    topic,
    protocol: 'consumer',
    sessionTimeoutMs: 6_000,
    heartbeatIntervalMs: 300,
  });
  const records: SourceRecord[] = [];
  let started = false;
  try {
    await waitFor(
      async () => {
        records.push(...(await member.fetch(FETCH_RECORDS, FETCH_WAIT_MS)));
        for (const event of member.takeRebalances()) member.settle(event);
        if (!started && member.granted.has(0)) {
          started = true;
          member.start(0, 0);
        }
        return records.length >= end;
      },
      { what: `${end} records of ${topic}`, intervalMs: 0 },
    );
  } finally {
    await member.leave();
  }
  return records;
}

async function settings() {
  return { brokers: await kafkaBrokers(), clientId: 'adtally-test', security: {} };
}

import { setTimeout as sleep } from 'node:timers/promises';
import { reveal } from '@adtally/config';
import type { KafkaSettings } from '@adtally/kafka';
import { BulkProducer } from '@adtally/testkit';
import { PROFILES } from '../preload/profiles.ts';
import type { GenerateResult, GenerateTask } from '../tasks/tasks.ts';
import { StampedRecords } from './stamped-records.ts';

const TICK_MS = 5;
const CHUNK = 1_000;
/** For the delays of clicks where there is no rate. */
const FASTEST = 200_000;

/**
 * Produces clean events, each of now, at a steady rate, or (rate 0) as fast as the broker takes them. What it
 * could not send in time it sends as soon as it can.
 */
export async function generate(task: GenerateTask): Promise<GenerateResult> {
  const { kafka, topic, records, rate, seed, lingerMs } = task;
  const ring = new StampedRecords(topic, seed, PROFILES.clean.mix, rate === 0 ? FASTEST : rate);
  const producer = await BulkProducer.connect({ client: clientOf(kafka), lingerMs });
  let sent = 0;
  const cpuBefore = process.cpuUsage();
  const startedMs = performance.now();
  try {
    while (sent < records) {
      const dueByRate = Math.floor(((performance.now() - startedMs) / 1000) * rate);
      const due = Math.min(records, rate === 0 ? records : dueByRate) - sent;
      const count = send(producer, ring, Math.min(due, CHUNK));
      sent += count;
      await sleep(count === CHUNK ? 0 : TICK_MS);
    }
    await producer.flush();
    const { user, system } = process.cpuUsage(cpuBefore);
    const seconds = (performance.now() - startedMs) / 1000;
    return { sent, failed: producer.failed, seconds, cpuSeconds: (user + system) / 1e6 };
  } finally {
    await producer.close();
  }
}

/** Sends so many records, fewer where the client's queue is full. */
function send(producer: BulkProducer, ring: StampedRecords, count: number): number {
  ring.setTime(Date.now());
  for (let n = 0; n < count; n += 1) {
    const { topic, key, value } = ring.next();
    if (!producer.offer(topic, key, value)) return n;
  }
  return Math.max(0, count);
}

function clientOf(kafka: KafkaSettings): Record<string, unknown> {
  const security = Object.entries(kafka.security).map(([name, value]) => [name, reveal(value)]);
  return {
    ...Object.fromEntries(security),
    'bootstrap.servers': kafka.brokers,
    'client.id': 'adtally-bench-generator',
  };
}

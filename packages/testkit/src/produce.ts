import Kafka from '@confluentinc/kafka-javascript';
import { kafkaBrokers } from './servers.ts';

const TIMEOUT_MS = 60_000;

export interface TimedRecord {
  readonly partition: number;
  readonly value: Buffer | null;
  readonly key?: Buffer | null;
  readonly headers?: readonly Readonly<Record<string, Buffer | string | undefined>>[];
  /** The record's own time; a topic with `message.timestamp.type=CreateTime` keeps it. */
  readonly timestampMs?: number;
}

/** Produces records in the order given and waits until the broker has them all; of the shared cluster unless given. */
export async function produceRecords(
  topic: string,
  records: readonly TimedRecord[],
  brokers?: string,
): Promise<void> {
  const producer = new Kafka.Producer({
    'metadata.broker.list': brokers ?? (await kafkaBrokers()),
    'enable.idempotence': true,
    dr_cb: true,
  });
  let failure: unknown;
  producer.on('delivery-report', (error) => (failure ??= error ?? undefined));
  await call((done) => producer.connect({ timeout: TIMEOUT_MS }, done));
  try {
    producer.setPollInBackground(true);
    for (const { partition, value, key, headers, timestampMs } of records) {
      const sent = (headers ?? []) as { [name: string]: Buffer | string }[];
      producer.produce(topic, partition, value, key ?? null, timestampMs ?? null, null, sent);
    }
    await call((done) => producer.flush(TIMEOUT_MS, done));
  } finally {
    await call((done) => producer.disconnect(done));
  }
  if (failure !== undefined) throw failure;
}

function call(start: (done: (error: unknown) => void) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    start((error) => (error ? reject(error) : resolve()));
  });
}

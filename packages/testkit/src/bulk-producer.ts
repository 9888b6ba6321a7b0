import Kafka from '@confluentinc/kafka-javascript';

const TIMEOUT_MS = 60_000;
const QUEUE_RECORDS = 100_000;
const QUEUE_FULL = Kafka.CODES.ERRORS.ERR__QUEUE_FULL;

export interface BulkProducerOptions {
  /** librdkafka properties: brokers, TLS, SASL. */
  readonly client: Readonly<Record<string, unknown>>;
  readonly lingerMs: number;
}

/**
 * Produces at rates at which a report a record would cost more than the record: only failures are reported. For
 * load, where the log's own ends say what arrived.
 */
export class BulkProducer {
  readonly #native: InstanceType<typeof Kafka.Producer>;
  #failed = 0;

  private constructor(native: InstanceType<typeof Kafka.Producer>) {
    this.#native = native;
    native.on('delivery-report', (error) => {
      if (error) this.#failed += 1;
    });
  }

  /** Rejects with the client's error where no broker answers. */
  static async connect({ client, lingerMs }: BulkProducerOptions): Promise<BulkProducer> {
    const native = new Kafka.Producer({
      ...client,
      'enable.idempotence': true,
      acks: -1,
      partitioner: 'murmur2_random',
      dr_cb: true,
      'delivery.report.only.error': true,
      'linger.ms': lingerMs,
      'batch.size': 1_000_000,
      'queue.buffering.max.messages': QUEUE_RECORDS,
    } as ConstructorParameters<typeof Kafka.Producer>[0]);
    await call((done) => native.connect({ timeout: TIMEOUT_MS }, done));
    // Before the connection exists this call crashes the client.
    native.setPollInBackground(true);
    return new BulkProducer(native);
  }

  /** Records that the broker did not take, or perhaps did not. */
  get failed(): number {
    return this.#failed;
  }

  /** Enqueues a copy of a record, placed by its key; false where the queue is full. */
  offer(topic: string, key: Buffer, value: Buffer): boolean {
    try {
      this.#native.produce(topic, null, value, key);
      return true;
    } catch (error) {
      if ((error as { code?: unknown }).code === QUEUE_FULL) return false;
      throw error;
    }
  }

  /** Waits until everything is in the log, or has failed. */
  async flush(): Promise<void> {
    await call((done) => this.#native.flush(TIMEOUT_MS, done));
  }

  async close(): Promise<void> {
    await call((done) => this.#native.disconnect(done));
  }
}

async function call(start: (done: (error: unknown) => void) => unknown): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    start((error) => (error ? reject(error as Error) : resolve()));
  });
}

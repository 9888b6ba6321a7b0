import Kafka from '@confluentinc/kafka-javascript';
import { kafkaBrokers } from './servers.ts';
import { uniqueName } from './unique-name.ts';

const TIMEOUT_MS = 60_000;
const TRANSACTION_MS = 60_000;
/** The whole of what is left of the transaction's own time-out. */
const REMAINING = -1;

/** A transaction that is open: what it wrote is delivered to nobody yet, nor is what others wrote after it. */
export interface OpenTransaction {
  commit(): Promise<void>;
  abort(): Promise<void>;
  /** Goes away without a word; the coordinator aborts once the transaction's own time-out is over. */
  abandon(): Promise<void>;
}

/**
 * Produces the values to one partition in a transaction of their own, which stays open.
 *
 * @param timeoutMs of the transaction, after which the coordinator aborts it; the client's own by default
 */
export async function openTransaction(
  topic: string,
  partition: number,
  values: readonly Buffer[],
  brokers?: string,
  timeoutMs = TRANSACTION_MS,
): Promise<OpenTransaction> {
  const producer = new Kafka.Producer({
    'metadata.broker.list': brokers ?? (await kafkaBrokers()),
    'transactional.id': uniqueName('adtally_test'),
    'transaction.timeout.ms': timeoutMs,
    // At most that of the transaction.
    'message.timeout.ms': timeoutMs,
  });
  await call((done) => producer.connect({ timeout: TIMEOUT_MS }, done));
  const disconnect = () => call((done) => producer.disconnect(done));
  try {
    producer.setPollInBackground(true);
    await call((done) => producer.initTransactions(TIMEOUT_MS, done));
    await call((done) => producer.beginTransaction(done));
    for (const value of values) producer.produce(topic, partition, value, null);
    await call((done) => producer.flush(TIMEOUT_MS, done));
  } catch (error) {
    await disconnect();
    throw error;
  }
  const end = async (outcome: (done: (error: unknown) => void) => void) => {
    try {
      await call(outcome);
    } finally {
      await disconnect();
    }
  };
  return {
    commit: () => end((done) => producer.commitTransaction(REMAINING, done)),
    abort: () => end((done) => producer.abortTransaction(REMAINING, done)),
    abandon: disconnect,
  };
}

/**
 * Produces the values to one partition in a transaction of their own. Its end is a control record: an
 * offset that no consumer ever sees, hence a hole in front of whatever is produced next.
 */
export async function produceTransaction(
  topic: string,
  partition: number,
  values: readonly Buffer[],
  brokers?: string,
): Promise<void> {
  await (await openTransaction(topic, partition, values, brokers)).commit();
}

function call(start: (done: (error: unknown) => void) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    start((error) => (error ? reject(error) : resolve()));
  });
}

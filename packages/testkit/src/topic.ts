import Kafka, { type IAdminClient, type LibrdKafkaError } from '@confluentinc/kafka-javascript';
import { kafkaBrokers } from './servers.ts';
import { uniqueName } from './unique-name.ts';

/** A topic of its own for one test. */
export interface TestTopic {
  readonly name: string;
  readonly partitions: number;
  /** Removes the topic; one that is gone already is fine. */
  delete(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

export interface TestTopicOptions {
  readonly partitions: number;
  /** Topic settings; `message.timestamp.type` is `LogAppendTime` unless given. */
  readonly config?: Readonly<Record<string, string>>;
  /** A name instead of a unique one, e.g. to create a deleted topic again. */
  readonly name?: string;
  /** 1 unless given. */
  readonly replication?: number;
  /** Another cluster than the shared one: `host:port,...` of a listener without SASL. */
  readonly brokers?: string;
}

const ADMIN_TIMEOUT_MS = 15_000;
/** A client whose request went unanswered is thrown away; the next looks for a broker anew. */
const ADMIN_TRIES = 3;
const { ERRORS } = Kafka.CODES;

/** Creates a topic with a unique name and waits until every partition has a leader. */
export async function testTopic(options: TestTopicOptions): Promise<TestTopic> {
  const name = options.name ?? uniqueName('adtally_test');
  const wanted = {
    topic: name,
    num_partitions: options.partitions,
    replication_factor: options.replication ?? 1,
    config: { 'message.timestamp.type': 'LogAppendTime', ...options.config },
  };
  await withAdmin(
    options.brokers,
    (admin) => call((done) => admin.createTopic(wanted, ADMIN_TIMEOUT_MS, done)),
    ERRORS.ERR_TOPIC_ALREADY_EXISTS,
  );
  await leadersElected(options.brokers, name, options.partitions);
  const remove = () => deleteTopic(name, options.brokers);
  return { name, partitions: options.partitions, delete: remove, [Symbol.asyncDispose]: remove };
}

/** Deletes a topic by name; one that does not exist is fine. */
export async function deleteTopic(name: string, brokers?: string): Promise<void> {
  await withAdmin(brokers, async (admin) => {
    try {
      await call((done) => admin.deleteTopic(name, ADMIN_TIMEOUT_MS, done));
    } catch (error) {
      if (codeOf(error) !== ERRORS.ERR_UNKNOWN_TOPIC_OR_PART) throw error;
    }
  });
}

/** Adds partitions to a topic until it has `total`. */
export async function growTopic(name: string, total: number, brokers?: string): Promise<void> {
  await withAdmin(
    brokers,
    (admin) => call((done) => admin.createPartitions(name, total, ADMIN_TIMEOUT_MS, done)),
    ERRORS.ERR_INVALID_PARTITIONS,
  );
  await leadersElected(brokers, name, total);
}

/** Removes the records below the given offset of one partition, as retention would. */
export async function truncatePartition(
  topic: string,
  partition: number,
  beforeOffset: number,
  brokers?: string,
): Promise<void> {
  await withAdmin(brokers, (admin) =>
    call((done) =>
      admin.deleteRecords(
        [{ topic, partition, offset: beforeOffset }],
        { timeout: ADMIN_TIMEOUT_MS, operationTimeout: ADMIN_TIMEOUT_MS },
        done,
      ),
    ),
  );
}

/** The leader of each partition, by partition; -1 where there is none. A topic nobody knows has no partitions. */
export async function partitionLeaders(topic: string, brokers?: string): Promise<number[]> {
  return await withMetadata(topic, brokers, (ask) => ask());
}

/** A created topic is answered before the brokers know its leaders; producing then fails at first. */
async function leadersElected(
  brokers: string | undefined,
  topic: string,
  partitions: number,
): Promise<void> {
  await withMetadata(topic, brokers, async (ask) => {
    const deadline = Date.now() + ADMIN_TIMEOUT_MS;
    for (;;) {
      if ((await ask()).filter((leader) => leader >= 0).length === partitions) return;
      if (Date.now() > deadline) throw new Error(`topic ${topic} has no leaders yet`);
    }
  });
}

async function withMetadata<T>(
  topic: string,
  brokers: string | undefined,
  work: (ask: () => Promise<number[]>) => Promise<T>,
): Promise<T> {
  const list = brokers ?? (await kafkaBrokers());
  return await untilAnswered(async () => {
    const producer = new Kafka.Producer({ 'metadata.broker.list': list });
    await call((done) => producer.connect({ timeout: ADMIN_TIMEOUT_MS }, done));
    try {
      return await work(async () => {
        const metadata = await call<Kafka.Metadata>((done) =>
          producer.getMetadata({ topic, timeout: ADMIN_TIMEOUT_MS }, done),
        );
        const known = metadata.topics.find(({ name }) => name === topic)?.partitions ?? [];
        return known.toSorted((one, other) => one.id - other.id).map(({ leader }) => leader);
      });
    } finally {
      await call((done) => producer.disconnect(done));
    }
  });
}

/**
 * Orders a change, again where nobody answered. It may have happened then: an error that says so is the answer that
 * was lost, but never to the first order.
 */
async function withAdmin(
  brokers: string | undefined,
  work: (admin: IAdminClient) => Promise<unknown>,
  happenedBefore?: number,
): Promise<void> {
  const list = brokers ?? (await kafkaBrokers());
  await untilAnswered(async (isFirst) => {
    const admin = Kafka.AdminClient.create({ 'metadata.broker.list': list });
    try {
      await work(admin);
    } catch (error) {
      if (isFirst || codeOf(error) !== happenedBefore) throw error;
    } finally {
      admin.disconnect();
    }
  });
}

/** Does it with a client made anew where a request of the former went unanswered. */
async function untilAnswered<T>(attempt: (isFirst: boolean) => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await attempt(tries === 1);
    } catch (error) {
      if (codeOf(error) !== ERRORS.ERR__TIMED_OUT || tries === ADMIN_TRIES) throw error;
    }
  }
}

function codeOf(error: unknown): number | undefined {
  return (error as Partial<LibrdKafkaError>).code;
}

/** Turns one of the client's callback methods into a promise. */
function call<T = unknown>(start: (done: (error: unknown, value?: T) => void) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    start((error, value) => (error ? reject(error) : resolve(value as T)));
  });
}

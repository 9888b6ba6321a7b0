import { pause } from '@adtally/pacing';
import type { Connection } from '@platformatic/kafka';
import type { KafkaSettings } from '../settings.ts';
import { reasonOf } from './connection-failure.ts';
import { describeTopic, METADATA_API_KEY, METADATA_VERSIONS } from './describe-topic.ts';
import { FETCH_API_KEY, FETCH_VERSIONS } from './fetch-protocol.ts';
import { type Address, addressesOf, drop, openConnection } from './open-connection.ts';

/** Who leads a partition. */
export interface Leader {
  /** -1 while there is none. */
  readonly nodeId: number;
  readonly epoch: number;
}

/** A topic as a broker described it. */
export interface TopicView {
  /** As a UUID; zeros where the broker knows no ids. */
  readonly topicId: string;
  /** By partition. */
  readonly leaders: ReadonlyMap<number, Leader>;
}

/** A connection that is open, and the newest formats both sides speak. */
export interface OpenBroker {
  readonly nodeId: number;
  /** `host:port/id` */
  readonly name: string;
  readonly connection: Connection;
  readonly fetchVersion: number;
  readonly metadataVersion: number;
}

/** The newest formats to be spoken, of those that this reader can. */
export interface SpokenVersions {
  readonly fetch: number;
  readonly metadata: number;
}

const NEWEST: SpokenVersions = {
  fetch: FETCH_VERSIONS.newest,
  metadata: METADATA_VERSIONS.newest,
};

/** Known by address alone, as given by the settings. */
const BOOTSTRAP_NODE = -1;
/** One of them may be frozen: the first answer counts. */
const ASKED_AT_ONCE = 3;
/** A broker that does not answer does not say goodbye either. */
const CLOSE_WAIT_MS = 1_000;
const TOPIC_AUTHORIZATION_FAILED = 29;
const UNKNOWN_TOPIC_ERRORS: ReadonlySet<number> = new Set([3, 100]);

/** No broker of those known answered; `cause` says what the last one said. */
export class NoBrokerAnswers extends Error {
  override readonly name = 'NoBrokerAnswers';

  constructor(cause: unknown) {
    super(`no broker answers: ${reasonOf(cause)}`, { cause });
  }
}

/** Brokers answer, and do not describe the topic. */
export class TopicNotDescribed extends Error {
  override readonly name = 'TopicNotDescribed';

  constructor(errorCode: number) {
    super(
      errorCode === TOPIC_AUTHORIZATION_FAILED
        ? 'Broker: Topic authorization failed'
        : `the brokers do not describe the topic: error ${errorCode}`,
    );
  }
}

/** The broker speaks no format of a request that this reader does: it is older than Kafka 2.7. */
export class NotSpoken extends Error {
  override readonly name = 'NotSpoken';

  constructor({ host, port }: Address, request: string, oldest: number) {
    super(`${host}:${port} speaks no ${request} of version ${oldest} or newer`);
  }
}

/** The brokers of a cluster by node id: one connection each, made when it is asked for and renewed when it broke. */
export class Brokers {
  readonly #settings: KafkaSettings;
  readonly #newest: SpokenVersions;
  readonly #bootstrap: readonly Address[];
  readonly #addresses = new Map<number, Address>();
  readonly #open = new Map<number, Promise<OpenBroker>>();
  #closed = false;

  /** @param newest as brokers of an earlier time speak them, for tests */
  constructor(settings: KafkaSettings, newest: SpokenVersions = NEWEST) {
    this.#settings = settings;
    this.#newest = newest;
    this.#bootstrap = addressesOf(settings);
  }

  /** The connection to a broker; rejects where it cannot be reached or its address is not known (yet). */
  to(nodeId: number): Promise<OpenBroker> {
    const known = this.#open.get(nodeId);
    if (known !== undefined) return known;
    const address = this.#addresses.get(nodeId);
    if (address === undefined) return Promise.reject(new Error(`broker ${nodeId} is not known`));
    const opening = this.#connect(nodeId, address);
    this.#open.set(nodeId, opening);
    // What failed is not remembered: the next one who asks tries again.
    opening.catch(() => this.#open.delete(nodeId));
    return opening;
  }

  /**
   * Describes the topic; null where it does not exist. Any broker answers it: those known are asked in turn.
   *
   * @throws NoBrokerAnswers, TopicNotDescribed
   */
  async describe(topic: string): Promise<TopicView | null> {
    const known = this.#candidates();
    for (let at = 0; at < known.length; at += ASKED_AT_ONCE) {
      const asked = known.slice(at, at + ASKED_AT_ONCE).map(async (nodeId) => {
        return await this.#ask(await this.to(nodeId), topic);
      });
      const answer = await firstOf(asked);
      if (!(answer instanceof Failed)) return answer;
    }
    const answer = await firstOf(this.#bootstrap.map((one) => this.#askOnce(one, topic)));
    if (!(answer instanceof Failed)) return answer;
    throw answer.cause instanceof TopicNotDescribed
      ? answer.cause
      : new NoBrokerAnswers(answer.cause);
  }

  /** By a connection of its own: which node it is, only the answer tells. */
  async #askOnce(address: Address, topic: string): Promise<TopicView | null> {
    const broker = await this.#connect(BOOTSTRAP_NODE, address);
    try {
      return await this.#ask(broker, topic);
    } finally {
      drop(broker.connection);
    }
  }

  /** Drops the connection to a broker that is asked for nothing more. */
  hangUp(nodeId: number): void {
    this.#forget(nodeId);
  }

  /** Ends every connection, and every request with it; resolves once they are closed, or nobody closes them. */
  async close(): Promise<void> {
    this.#closed = true;
    const closing = [...this.#open.values()].map(async (opening) => {
      const { connection } = await opening;
      await connection.close();
    });
    this.#open.clear();
    const late = new AbortController();
    await Promise.race([Promise.allSettled(closing), pause(CLOSE_WAIT_MS, late.signal)]);
    late.abort();
  }

  /** Those with a connection first. */
  #candidates(): number[] {
    return [...new Set([...this.#open.keys(), ...this.#addresses.keys()])];
  }

  async #ask(
    { connection, metadataVersion }: OpenBroker,
    topic: string,
  ): Promise<TopicView | null> {
    const described = await describeTopic(connection, topic, metadataVersion);
    for (const { nodeId, host, port } of described.brokers) {
      const before = this.#addresses.get(nodeId);
      this.#addresses.set(nodeId, { host, port });
      // Moved: the old connection leads to somebody else, or nowhere.
      if (before !== undefined && (before.host !== host || before.port !== port)) {
        this.#forget(nodeId);
      }
    }
    const found = described.topics.find(({ name }) => name === topic);
    if (found === undefined || UNKNOWN_TOPIC_ERRORS.has(found.errorCode)) return null;
    // It has neither id nor leaders then: another answer is waited for.
    if (found.errorCode !== 0) throw new TopicNotDescribed(found.errorCode);
    const leaders = found.partitions.map(
      ({ partitionIndex, leaderId, leaderEpoch }) =>
        [partitionIndex, { nodeId: leaderId, epoch: leaderEpoch }] as const,
    );
    return { topicId: found.topicId, leaders: new Map(leaders) };
  }

  async #connect(nodeId: number, address: Address): Promise<OpenBroker> {
    if (this.#closed) throw new Error('closed');
    const { connection, newestOf } = await openConnection(this.#settings, address, (lost) =>
      this.#forget(nodeId, lost),
    );
    try {
      const spoken = (request: keyof SpokenVersions, key: number, oldest: number): number => {
        const newest = newestOf(key);
        if (newest < oldest) throw new NotSpoken(address, request, oldest);
        return Math.min(newest, this.#newest[request]);
      };
      const fetchVersion = spoken('fetch', FETCH_API_KEY, FETCH_VERSIONS.oldest);
      const metadataVersion = spoken('metadata', METADATA_API_KEY, METADATA_VERSIONS.oldest);
      if (this.#closed) throw new Error('closed');
      const name = `${address.host}:${address.port}/${nodeId}`;
      return { nodeId, name, connection, fetchVersion, metadataVersion };
    } catch (error) {
      drop(connection);
      throw error;
    }
  }

  /** The next one who asks gets a new connection. */
  #forget(nodeId: number, broken?: Connection): void {
    const opening = this.#open.get(nodeId);
    opening
      ?.then(({ connection }) => {
        if (broken !== undefined && broken !== connection) return;
        if (this.#open.get(nodeId) === opening) this.#open.delete(nodeId);
        drop(connection);
      })
      .catch(() => undefined);
  }
}

/** What none of those asked could answer. */
class Failed {
  readonly cause: unknown;

  constructor(cause: unknown) {
    this.cause = cause;
  }
}

/** The first answer; of failures, the first that came. */
async function firstOf<T>(asked: readonly Promise<T>[]): Promise<T | Failed> {
  try {
    return await Promise.any(asked);
  } catch (error) {
    return new Failed(error instanceof AggregateError ? error.errors[0] : error);
  }
}

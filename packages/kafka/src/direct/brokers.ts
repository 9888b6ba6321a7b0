import { apiVersionsV3, Connection, metadataV12, ResponseError } from '@platformatic/kafka';
import type { KafkaSettings } from '../settings.ts';
import { connectionOptions } from './connection-options.ts';
import { FETCH_API_KEY, FETCH_VERSIONS } from './fetch-protocol.ts';

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

/** A connection that is open, and the newest format of a fetch both sides speak. */
export interface OpenBroker {
  readonly nodeId: number;
  readonly connection: Connection;
  readonly fetchVersion: number;
}

interface Address {
  readonly host: string;
  readonly port: number;
}

const CLIENT_NAME = 'adtally';
const CLIENT_VERSION = '1';
/** Known by address alone, as given by the settings. */
const BOOTSTRAP_NODE = -1;
/** One of them may be frozen: the first answer counts. */
const ASKED_AT_ONCE = 3;
const UNKNOWN_TOPIC_ERRORS: ReadonlySet<number> = new Set([3, 100]);

/** No broker of those known answered; `cause` says what the last one said. */
export class NoBrokerAnswers extends Error {
  override readonly name = 'NoBrokerAnswers';

  constructor(cause: unknown) {
    super(`no broker answers: ${reasonOf(cause)}`, { cause });
  }
}

/** The broker speaks no format of a fetch that this reader does. */
export class FetchNotSpoken extends Error {
  override readonly name = 'FetchNotSpoken';

  constructor({ host, port }: Address) {
    super(`${host}:${port} speaks no fetch of version ${FETCH_VERSIONS.oldest} or newer`);
  }
}

/** The brokers of a cluster by node id: one connection each, made when it is asked for and renewed when it broke. */
export class Brokers {
  readonly #settings: KafkaSettings;
  readonly #bootstrap: readonly Address[];
  readonly #addresses = new Map<number, Address>();
  readonly #open = new Map<number, Promise<OpenBroker>>();
  #closed = false;

  constructor(settings: KafkaSettings) {
    this.#settings = settings;
    this.#bootstrap = settings.brokers.split(',').map(addressOf);
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
   * @throws NoBrokerAnswers
   */
  async describe(topic: string): Promise<TopicView | null> {
    const known = this.#candidates();
    for (let at = 0; at < known.length; at += ASKED_AT_ONCE) {
      const asked = known.slice(at, at + ASKED_AT_ONCE).map(async (nodeId) => {
        const { connection } = await this.to(nodeId);
        return await this.#ask(connection, topic);
      });
      const answer = await firstOf(asked);
      if (!(answer instanceof Failed)) return answer;
    }
    const answer = await firstOf(this.#bootstrap.map((one) => this.#askOnce(one, topic)));
    if (answer instanceof Failed) throw new NoBrokerAnswers(answer.cause);
    return answer;
  }

  /** By a connection of its own: which node it is, only the answer tells. */
  async #askOnce(address: Address, topic: string): Promise<TopicView | null> {
    const { connection } = await this.#connect(BOOTSTRAP_NODE, address);
    try {
      return await this.#ask(connection, topic);
    } finally {
      drop(connection);
    }
  }

  close(): void {
    this.#closed = true;
    for (const opening of this.#open.values()) {
      opening.then(({ connection }) => drop(connection)).catch(() => undefined);
    }
    this.#open.clear();
  }

  /** Those with a connection first. */
  #candidates(): number[] {
    return [...new Set([...this.#open.keys(), ...this.#addresses.keys()])];
  }

  async #ask(connection: Connection, topic: string): Promise<TopicView | null> {
    const described = await describeBy(connection, topic);
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
    const leaders = found.partitions.map(
      ({ partitionIndex, leaderId, leaderEpoch }) =>
        [partitionIndex, { nodeId: leaderId, epoch: leaderEpoch }] as const,
    );
    return { topicId: found.topicId, leaders: new Map(leaders) };
  }

  async #connect(nodeId: number, address: Address): Promise<OpenBroker> {
    if (this.#closed) throw new Error('closed');
    const connection = new Connection(this.#settings.clientId, connectionOptions(this.#settings));
    // Without a listener an error of the socket would end the process.
    connection.on('error', () => this.#forget(nodeId, connection));
    connection.on('close', () => this.#forget(nodeId, connection));
    try {
      await connection.connect(address.host, address.port);
      const { apiKeys } = await apiVersionsV3.api.async(connection, CLIENT_NAME, CLIENT_VERSION);
      const spoken = apiKeys.find(({ apiKey }) => apiKey === FETCH_API_KEY);
      const fetchVersion = Math.min(spoken?.maxVersion ?? 0, FETCH_VERSIONS.newest);
      if (fetchVersion < FETCH_VERSIONS.oldest) throw new FetchNotSpoken(address);
      if (this.#closed) throw new Error('closed');
      return { nodeId, connection, fetchVersion };
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

/** The request fails where the topic has an error, which is no failure of the broker: the answer is kept with it. */
async function describeBy(
  connection: Connection,
  topic: string,
): Promise<Awaited<ReturnType<typeof metadataV12.api.async>>> {
  try {
    return await metadataV12.api.async(connection, [topic], false, false);
  } catch (error) {
    if (error instanceof ResponseError) {
      return error.response as Awaited<ReturnType<typeof metadataV12.api.async>>;
    }
    throw error;
  }
}

function drop(connection: Connection): void {
  connection.close().catch(() => undefined);
}

function addressOf(broker: string): Address {
  const colon = broker.lastIndexOf(':');
  const host = broker.slice(0, colon).replace(/^\[(.*)\]$/, '$1');
  return { host, port: Number(broker.slice(colon + 1)) };
}

const CAUSES_MAX = 6;

/** What failed, from the outermost to the innermost: the outer ones say only that a connection failed. */
export function reasonOf(error: unknown): string {
  const words: string[] = [];
  let current: unknown = error;
  while (current instanceof Error && words.length < CAUSES_MAX) {
    const said = current.message.replace(/\.$/, '');
    if (said !== '' && words.at(-1) !== said) words.push(said);
    current = current instanceof AggregateError ? current.errors[0] : current.cause;
  }
  return words.length === 0 ? String(error) : words.join(': ');
}

import { Connection } from '@platformatic/kafka';
import { connectionOptions } from './direct/connection-options.ts';
import { KafkaError } from './errors.ts';
import { CODE } from './rdkafka.ts';
import type { KafkaSettings } from './settings.ts';

/** Where a broker listens. */
export interface BrokerAddress {
  readonly host: string;
  readonly port: number;
}

/** Says who leads which partition; rejects where no broker answers. */
export type AskLeaders = () => Promise<ReadonlyMap<number, BrokerAddress>>;

/** Connections to the leaders of partitions, one a broker: opened for a look, and closed after it. */
export class LeaderConnections implements Disposable {
  readonly #settings: KafkaSettings;
  readonly #topic: string;
  readonly #ask: AskLeaders;
  #leaders: ReturnType<AskLeaders> | undefined;
  readonly #open = new Map<string, { connection: Connection; connected: Promise<void> }>();

  constructor(settings: KafkaSettings, topic: string, ask: AskLeaders) {
    this.#settings = settings;
    this.#topic = topic;
    this.#ask = ask;
  }

  /** Rejects where nobody leads the partition, or its leader does not answer. Who leads is asked once for all of them. */
  async to(partition: number): Promise<Connection> {
    this.#leaders ??= this.#ask();
    const address = (await this.#leaders).get(partition);
    if (address === undefined) {
      throw new KafkaError(`${this.#topic}[${partition}] has no leader`, CODE.unknownPartition);
    }
    const { host, port } = address;
    const key = `${host}:${port}`;
    const known = this.#open.get(key);
    if (known !== undefined) {
      await known.connected;
      return known.connection;
    }
    const { clientId } = this.#settings;
    const connection = new Connection(clientId, connectionOptions(this.#settings, host));
    // Without a listener an error of the socket would end the process.
    connection.on('error', () => undefined);
    const connected = Promise.resolve(connection.connect(host, port));
    this.#open.set(key, { connection, connected });
    await connected;
    return connection;
  }

  [Symbol.dispose](): void {
    for (const { connection } of this.#open.values()) connection.close().catch(() => undefined);
  }
}

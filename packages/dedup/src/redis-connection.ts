import { reveal, type Secret } from '@adtally/config';
import { backoffMs } from '@adtally/pacing';
import { Cluster, type Command, type Pipeline, Redis } from 'ioredis';
import { parseRedisUrl, type ClientOptions, type RedisAddress } from './redis-address.ts';

export interface ConnectionEvents {
  onConnected(): void;
  onDisconnected(error: Error | undefined): void;
}

const CONNECT_TIMEOUT_MS = 2_000;
/** A connection that owes an answer for so long is given up and made anew. */
const SOCKET_TIMEOUT_MS = 5_000;
const RECONNECT_FIRST_MS = 200;
const RECONNECT_LAST_MS = 3_000;

// When Redis is away every call fails at once, and nothing is sent again later: a late mark or
// question is worth nothing.
const FAIL_AT_ONCE: ClientOptions = {
  lazyConnect: true,
  enableOfflineQueue: false,
  autoResendUnfulfilledCommands: false,
  maxRetriesPerRequest: 0,
  connectTimeout: CONNECT_TIMEOUT_MS,
  socketTimeout: SOCKET_TIMEOUT_MS,
  retryStrategy: reconnectDelayMs,
  connectionName: 'adtally',
};

/** One connection (or one a cluster node) on which commands keep their order. */
export class RedisConnection {
  readonly #client: Redis | Cluster;
  /** By us: that it ends then is nothing to tell. */
  #isClosed = false;

  constructor(url: string | Secret, events: ConnectionEvents) {
    const client = clientAt(parseRedisUrl(reveal(url)));
    this.#client = client;
    if (client instanceof Redis) keepCredentialsLive(client.options, url);
    // Before a node's first connect; a lost node gets a connection, and so this, anew.
    else client.on('+node', (node: Redis) => keepCredentialsLive(node.options, url));
    let lastError: Error | undefined;
    this.#client.on('error', (error: Error) => (lastError = error));
    this.#client.on('ready', () => events.onConnected());
    this.#client.on('close', () => {
      if (!this.#isClosed) events.onDisconnected(lastError);
      lastError = undefined;
    });
    this.#client.connect().catch(() => undefined); // it goes on trying by itself
  }

  get isReady(): boolean {
    return this.#client.status === 'ready';
  }

  /**
   * Sends all commands and resolves to their answers in order, an Error in place of a refused one.
   * Rejects when the connection is lost. On a single server one round trip and one write.
   */
  async exchange(commands: readonly Command[]): Promise<unknown[]> {
    if (this.#client instanceof Cluster) {
      const cluster = this.#client;
      const answers = await Promise.allSettled(
        commands.map((command) => {
          cluster.sendCommand(command);
          return command.promise as Promise<unknown>;
        }),
      );
      return answers.map((answer) =>
        answer.status === 'fulfilled' ? answer.value : answer.reason,
      );
    }
    const pipeline = this.#client.pipeline();
    // The method is there, and public; only the type of a pipeline's calls leaves it out.
    for (const command of commands) (pipeline as unknown as Pipeline).sendCommand(command);
    const results = await pipeline.exec();
    if (results === null) throw new Error('pipeline was aborted');
    return results.map(([error, answer]) => error ?? answer);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#client.disconnect();
  }
}

function reconnectDelayMs(attempts: number): number {
  return Math.round(backoffMs(attempts, RECONNECT_FIRST_MS, RECONNECT_LAST_MS));
}

/** @param how `triesOnce`: a connect that fails is not tried again */
export function clientAt(
  address: RedisAddress,
  { triesOnce = false }: { readonly triesOnce?: boolean } = {},
): Redis | Cluster {
  const again = triesOnce ? () => null : reconnectDelayMs;
  const options: ClientOptions = {
    ...FAIL_AT_ONCE,
    retryStrategy: again,
    ...address.options,
  };
  switch (address.kind) {
    case 'single':
      return new Redis(options);
    case 'sentinel':
      return new Redis({ ...options, sentinelRetryStrategy: again });
    case 'cluster':
      return new Cluster([...address.nodes], {
        lazyConnect: true,
        enableOfflineQueue: false,
        enableAutoPipelining: true, // one write a node and turn instead of one a command
        clusterRetryStrategy: again,
        redisOptions: options,
      });
    default:
      return address satisfies never;
  }
}

/**
 * Credentials that are asked for at each connect, when the client reads these two options. Hosts, TLS and
 * database number stay as they were at the start.
 */
function keepCredentialsLive(options: ClientOptions, url: string | Secret): void {
  if (typeof url === 'string') return;
  for (const name of ['username', 'password'] as const) {
    Object.defineProperty(options, name, {
      get: () => parseRedisUrl(url()).options[name],
      enumerable: true,
    });
  }
}

import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { ProxiedConnection, type Hook, type Side } from './proxied-connection.ts';

/** A TCP proxy in front of a real server, able to fail as networks do. */
export interface TcpProxy {
  readonly host: string;
  readonly port: number;
  /** Open connections now. */
  readonly connections: number;
  /** Chunks that were delayed so far. */
  readonly delayed: number;
  /** Chunks that were dropped so far: both sides believe in a connection that carries nothing. */
  readonly dropped: number;
  /** The same URL, through this proxy. */
  urlFor(serverUrl: string): string;
  /** Resets every open connection; new ones are accepted. */
  cutAll(): void;
  /** Holds all bytes in both directions, as a partition does; off: what was held flows on. */
  blackhole(on: boolean): void;
  /** True: new connections are reset at once. Open ones stay. */
  refuse(on: boolean): void;
  /** Delays every chunk in both directions by so many milliseconds. */
  delay(ms: number): void;
  /** Decides about every chunk the client sends, until replaced; undefined forwards all. */
  onClientData(hook: Hook | undefined): void;
  onServerData(hook: Hook | undefined): void;
  /**
   * Once: when the client's bytes (from now on, per connection) match, they are not forwarded and
   * both sides are reset. The promise resolves then.
   */
  cutBeforeForwarding(matches: Match): Promise<void>;
  /**
   * Once: when the client's bytes match, they are forwarded; the server's answer is swallowed and,
   * once `answered` says it is there, both sides are reset: the server has done it and the client
   * cannot know. The promise resolves then. `answered` sees all server bytes since; by default any.
   */
  cutBeforeAnswerTo(matches: Match, answered?: Match): Promise<void>;
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

export type Match = (bytes: Buffer) => boolean;

/** Matches a COMMIT on its way to PostgreSQL, in the simple or the extended protocol. */
export const sendsCommit: Match = (bytes) => /\bcommit\b/i.test(bytes.toString('latin1'));
/** Matches PostgreSQL's answer to a COMMIT: CommandComplete with the tag COMMIT (or ROLLBACK). */
export const answersCommit: Match = (bytes) => /(COMMIT|ROLLBACK)\0/.test(bytes.toString('latin1'));

/** Listens on a free loopback port and forwards to the given server. */
export async function tcpProxy(target: { host: string; port: number }): Promise<TcpProxy> {
  const state = new ProxyState(target);
  const server = createServer({ allowHalfOpen: false }, (client) => state.accept(client));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const close = async () => {
    if (!server.listening) return;
    const closed = once(server, 'close');
    server.close();
    state.cutAll();
    await closed;
  };
  return {
    host: '127.0.0.1',
    port,
    get connections() {
      return state.open.size;
    },
    get delayed() {
      return state.delayed;
    },
    get dropped() {
      return state.dropped;
    },
    urlFor(serverUrl) {
      const url = new URL(serverUrl);
      url.host = `127.0.0.1:${port}`;
      return url.href;
    },
    cutAll: () => state.cutAll(),
    blackhole: (on) => state.blackhole(on),
    refuse: (on) => void (state.refusing = on),
    delay: (ms) => void (state.delayMs = ms),
    onClientData: (hook) => void (state.hooks.client = hook),
    onServerData: (hook) => void (state.hooks.server = hook),
    cutBeforeForwarding: (matches) => state.cutBeforeForwarding(matches),
    cutBeforeAnswerTo: (matches, answered) => state.cutBeforeAnswerTo(matches, answered),
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** A proxy in front of the server a URL names, e.g. a database's. */
export async function proxyFor(serverUrl: string): Promise<TcpProxy> {
  const url = new URL(serverUrl);
  const ports: Record<string, number> = { 'postgres:': 5432, 'postgresql:': 5432, 'redis:': 6379 };
  const port = url.port === '' ? ports[url.protocol] : Number(url.port);
  if (port === undefined) throw new Error(`no port in ${url.protocol}//${url.host}`);
  return tcpProxy({ host: url.hostname, port });
}

/** One-shot traps come before the standing hooks; they see what arrived since they were set. */
type Trap = (side: Side, chunk: Buffer, connection: ProxiedConnection) => ReturnType<Hook>;

class ProxyState {
  readonly open = new Set<ProxiedConnection>();
  readonly hooks: { client: Hook | undefined; server: Hook | undefined } = {
    client: undefined,
    server: undefined,
  };
  readonly #target: { host: string; port: number };
  readonly #traps = new Set<Trap>();
  delayMs = 0;
  refusing = false;
  delayed = 0;
  dropped = 0;
  #holding = false;

  constructor(target: { host: string; port: number }) {
    this.#target = target;
  }

  accept(client: Socket): void {
    if (this.refusing) {
      client.on('error', () => undefined);
      client.resetAndDestroy();
      return;
    }
    const connection = new ProxiedConnection(client, this.#target, {
      decide: (side, chunk) => {
        const decision = this.#decide(side, chunk, connection);
        if (decision === 'drop') this.dropped += 1;
        return decision;
      },
      delayMs: () => {
        if (this.delayMs > 0) this.delayed += 1;
        return this.delayMs;
      },
      closed: () => this.open.delete(connection),
    });
    this.open.add(connection);
    if (this.#holding) connection.hold(true);
  }

  cutAll(): void {
    for (const connection of this.open) connection.cut();
  }

  blackhole(on: boolean): void {
    this.#holding = on;
    for (const connection of this.open) connection.hold(on);
  }

  cutBeforeForwarding(matches: Match): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const seen = new WeakMap<ProxiedConnection, Buffer>();
    const trap: Trap = (side, chunk, connection) => {
      if (side !== 'client' || !matches(remember(seen, connection, chunk))) return 'forward';
      this.#traps.delete(trap);
      resolve();
      return 'cut';
    };
    this.#traps.add(trap);
    return promise;
  }

  cutBeforeAnswerTo(matches: Match, answered: Match = () => true): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const seen = new WeakMap<ProxiedConnection, Buffer>();
    let caught: ProxiedConnection | undefined;
    let answer: Buffer = Buffer.alloc(0);
    const trap: Trap = (side, chunk, connection) => {
      if (side === 'client') {
        if (caught === undefined && matches(remember(seen, connection, chunk))) caught = connection;
        return 'forward';
      }
      if (connection !== caught) return 'forward';
      answer = Buffer.concat([answer, chunk]);
      if (!answered(answer)) return 'drop';
      this.#traps.delete(trap);
      resolve();
      return 'cut';
    };
    this.#traps.add(trap);
    return promise;
  }

  #decide(side: Side, chunk: Buffer, connection: ProxiedConnection): ReturnType<Hook> {
    for (const trap of this.#traps) {
      const decision = trap(side, chunk, connection);
      if (decision !== 'forward') return decision;
    }
    return this.hooks[side]?.(chunk, connection) ?? 'forward';
  }
}

const REMEMBERED_BYTES = 256; // a word may be split between two chunks

function remember(
  seen: WeakMap<ProxiedConnection, Buffer>,
  connection: ProxiedConnection,
  chunk: Buffer,
): Buffer {
  const bytes = Buffer.concat([seen.get(connection) ?? Buffer.alloc(0), chunk]);
  seen.set(connection, bytes.subarray(Math.max(0, bytes.length - REMEMBERED_BYTES)));
  return bytes;
}

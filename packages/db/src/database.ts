import type { Secret } from '@adtally/config';
import { Kysely, PostgresDialect, type Transaction } from 'kysely';
import { type ClientConfig, type CustomTypesConfig, Pool, type QueryConfig, types } from 'pg';
import { AddressedClient } from './addressed-client.ts';
import { noteConnectFailure } from './connect-failures.ts';
import { type DatabaseUrl, PASSWORD_LIMIT_MS } from './password-source.ts';
import { requireOwnProcess } from './pooler.ts';
import type { Schema } from './schema.ts';
import { statedSettings } from './session-settings.ts';

/** A pool of connections with the tables' types. */
export type Database = Kysely<Schema>;

/** Anything a read or write may run in: the pool or an open transaction. */
export type DatabaseExecutor = Kysely<Schema> | Transaction<Schema>;

export interface OpenDatabaseOptions {
  /** Shown in `pg_stat_activity`. */
  readonly applicationName: string;
  readonly maxConnections?: number;
  /** Longest statement, enforced by the server; 0 = unbounded (migrations, audit). */
  readonly statementTimeoutMs?: number;
  /** Longest wait for one lock, enforced by the server; 0 = unbounded. */
  readonly lockTimeoutMs?: number;
  /** Told when a connection has ended, also one that is held and waits for nothing. */
  readonly onConnectionEnd?: () => void;
  /** Told what the server says beside its answers. */
  readonly onNotice?: (message: string) => void;
}

const DEFAULT_MAX_CONNECTIONS = 4;
const DEFAULT_STATEMENT_TIMEOUT_MS = 30_000;
const DEFAULT_LOCK_TIMEOUT_MS = 10_000;
const CONNECT_TIMEOUT_MS = 10_000;
const IDLE_CLOSE_MS = 30_000;
/** A frozen process must not keep others waiting for the locks of its transaction. */
const IDLE_IN_TRANSACTION_MS = 15_000;
const KEEP_ALIVE_DELAY_MS = 10_000;
/** How much longer than the server the client waits before it takes a connection for dead. */
const QUERY_TIMEOUT_MARGIN_MS = 5_000;

/** What the driver says of a query whose `query_timeout` passed. */
const UNANSWERED = 'Query read timeout';

const INT8_OID = 20;

const openClients = new WeakMap<Database, ReadonlySet<AddressedClient>>();

/**
 * Reads `int8` as bigint: offsets and counts may pass 2^53. Set per pool, since the driver's
 * global parsers belong to everybody in the process.
 */
export const INT8_AS_BIGINT: CustomTypesConfig = {
  getTypeParser: ((oid: number, format?: 'text' | 'binary') =>
    oid === INT8_OID && format !== 'binary'
      ? BigInt
      : types.getTypeParser(oid, format as 'text')) as CustomTypesConfig['getTypeParser'],
};

/**
 * Opens a pool; connects at the first query. Close it with `destroy()`.
 *
 * @param url `postgresql://user:password@host:port/database`, as libpq reads it (address/address.ts); one that may
 *   change is asked for at each connection, as is a password that comes from elsewhere
 */
export function openDatabase(url: string | Secret, options: OpenDatabaseOptions): Database {
  const statementTimeoutMs = options.statementTimeoutMs ?? DEFAULT_STATEMENT_TIMEOUT_MS;
  const open = new Set<AddressedClient>();
  const settings: ClientConfig = {
    application_name: options.applicationName,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
  };
  class TrackedClient extends AddressedClient {
    constructor(config?: ClientConfig) {
      super(url, { ...config, ...settings });
      open.add(this);
      // Without a listener a session that the server ends would end the process: also one just opened, or taken by nobody.
      this.on('error', () => {});
      this.once('end', () => {
        open.delete(this);
        options.onConnectionEnd?.();
      });
    }

    /** As the pool calls it. */
    override connect(...given: unknown[]): never {
      const [callback] = given as [((error: Error | null, ...rest: unknown[]) => void) | undefined];
      const connected = (error: Error | null, ...rest: unknown[]) => {
        noteConnectFailure(error);
        callback?.(error, ...rest);
      };
      return super.connect(connected) as never;
    }

    /** The driver gives up a query without an answer and keeps the connection, with that query still on it. */
    override query(...query: unknown[]): never {
      const answer = (super.query as (...query: unknown[]) => unknown)(...query);
      if (answer instanceof Promise) {
        answer.catch((error: unknown) => {
          if (!(error instanceof Error) || error.message !== UNANSWERED) return;
          // Takes it out of the pool at once, and closes the socket since a query is on it.
          this.end().catch(() => undefined);
        });
      }
      return answer as never;
    }
  }
  const stated: QueryConfig & { query_timeout: number } = {
    text: statedSettings({
      statementTimeoutMs,
      lockTimeoutMs: options.lockTimeoutMs ?? DEFAULT_LOCK_TIMEOUT_MS,
      idleInTransactionMs: IDLE_IN_TRANSACTION_MS,
    }),
    // Bounded even where the pool's statements are not: a server may fall silent here, too.
    query_timeout: CONNECT_TIMEOUT_MS,
  };
  // The pool's own limit is of all that it takes to open one, which may begin with running a command; its end would be
  // told as a server that does not answer.
  const { password } = url as DatabaseUrl;
  const passwordLimitMs = password === undefined ? 0 : PASSWORD_LIMIT_MS;
  const pool = new Pool({
    Client: TrackedClient,
    max: options.maxConnections ?? DEFAULT_MAX_CONNECTIONS,
    connectionTimeoutMillis: passwordLimitMs + CONNECT_TIMEOUT_MS,
    idleTimeoutMillis: IDLE_CLOSE_MS,
    // Awaited before the first query; where it fails the connection is closed and its query with it.
    onConnect: async (client) => {
      try {
        await requireOwnProcess(client as TrackedClient, () => new AddressedClient(url, settings));
        await client.query(stated);
      } catch (error) {
        noteConnectFailure(error);
        throw error;
      }
    },
    // The server answers a statement's timeout; this one is for a server that answers nothing.
    ...(statementTimeoutMs > 0 && { query_timeout: statementTimeoutMs + QUERY_TIMEOUT_MARGIN_MS }),
    keepAlive: true,
    keepAliveInitialDelayMillis: KEEP_ALIVE_DELAY_MS,
    types: INT8_AS_BIGINT,
  });
  pool.on('error', () => {});
  pool.on('connect', (client) => {
    client.on('notice', (notice) => options.onNotice?.(notice.message ?? ''));
  });
  const db = new Kysely<Schema>({ dialect: new PostgresDialect({ pool }) });
  openClients.set(db, open);
  return db;
}

/**
 * Cuts every connection of a pool at once, also those still connecting: what waits for an answer fails.
 * For a stop that may not wait for a server that says nothing; `destroy()` remains to be called.
 */
export function cutConnections(db: Database): void {
  for (const client of openClients.get(db) ?? []) {
    const { stream } = (client as unknown as { connection: { stream: { destroy(): void } } })
      .connection;
    stream.destroy();
  }
}

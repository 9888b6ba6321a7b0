import type { Secret } from '@adtally/config';
import { pipeline } from 'node:stream/promises';
import { Readable } from 'node:stream';
import type { Client, QueryResultRow } from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { AddressedClient } from './addressed-client.ts';
import { noteConnectFailure } from './connect-failures.ts';
import { type GroupCalls, listening } from './group-calls.ts';
import { requireOwnProcess } from './pooler.ts';
import { statedSettings } from './session-settings.ts';
import { WRITTEN_COLUMN_LIST } from './table-columns.ts';

export interface WriterSessionOptions {
  /** One that may change is asked for at each `connect`. */
  readonly databaseUrl: string | Secret;
  readonly applicationName: string;
  /** How long a statement waits for one lock before it gives up with 55P03. */
  readonly lockTimeoutMs: number;
  /** How long a statement may run before it is cancelled with 57014. */
  readonly statementTimeoutMs: number;
  readonly connectTimeoutMs: number;
  /** Heard between two statements. */
  readonly calls?: GroupCalls;
}

/** An idle session that says nothing for so long when it is asked is taken for lost. */
const CHECK_LIMIT_MS = 5_000;
/** A server may vanish without a word; past a statement's own time-out plus this, the socket is cut. */
const SILENCE_MARGIN_MS = 5_000;

/** Its joins are all by key with few rows. Without statistics the planner would read whole days. */
const PLANS: Readonly<Record<string, string>> = {
  enable_seqscan: 'off',
  enable_bitmapscan: 'off',
  enable_hashjoin: 'off',
  enable_mergejoin: 'off',
  plan_cache_mode: 'force_generic_plan',
  // A plan that has to scan after all (a table of one row) is priced so high by the above that every
  // execution of it would be compiled first: 80 ms.
  jit: 'off',
};

/** A client that is gone without a word holds its locks no longer than about 20 s, where no pooler is between (TCP only). */
const LIVENESS: Readonly<Record<string, string>> = {
  tcp_keepalives_idle: '5',
  tcp_keepalives_interval: '5',
  tcp_keepalives_count: '3',
  tcp_user_timeout: '20000',
};

/**
 * The one connection through which a process writes events. It is never pooled: its backend is named
 * in the cursor rows, so that the next owner can end exactly this one. Once broken it stays broken;
 * `connect()` opens the next.
 */
export class WriterSession {
  readonly #client: Client;
  readonly #options: WriterSessionOptions;
  #broken: Error | null = null;
  /** Statements that wait for their answer. */
  #asked = 0;

  private constructor(client: Client, options: WriterSessionOptions) {
    this.#client = client;
    this.#options = options;
    client.on('error', (error) => {
      this.#broken ??= error;
    });
    client.on('end', () => {
      this.#broken ??= new Error('Connection terminated');
    });
  }

  /**
   * Opens a session with every setting that correctness leans on stated, whatever an owner set.
   * The signal cuts one that is still being opened.
   */
  static async connect(
    options: WriterSessionOptions,
    signal?: AbortSignal,
  ): Promise<WriterSession> {
    const newClient = () =>
      new AddressedClient(options.databaseUrl, {
        application_name: options.applicationName,
        connectionTimeoutMillis: options.connectTimeoutMs,
        keepAlive: true,
      });
    const client = newClient();
    const session = new WriterSession(client, options);
    const cut = () => session.destroy();
    signal?.addEventListener('abort', cut, { once: true });
    try {
      await client.connect();
      await requireOwnProcess(client, newClient);
      await session.query(
        statedSettings(
          {
            statementTimeoutMs: options.statementTimeoutMs,
            lockTimeoutMs: options.lockTimeoutMs,
            idleInTransactionMs: options.statementTimeoutMs,
          },
          { ...PLANS, ...LIVENESS },
        ),
      );
      if (options.calls !== undefined) {
        // Where it is refused only calls are not heard; a connection that was lost is found by what comes next.
        await session.query(listening(client, options.calls)).catch(() => undefined);
      }
    } catch (error) {
      session.destroy();
      noteConnectFailure(error);
      throw error;
    } finally {
      signal?.removeEventListener('abort', cut);
    }
    return session;
  }

  /** False once the connection was lost or cut; nothing more can be asked of it. */
  get isUsable(): boolean {
    return this.#broken === null;
  }

  /**
   * Runs one statement; with a `name` it is prepared once. Buffers travel as binary parameters. Of
   * several statements in one text it returns the rows of the first.
   */
  async query<Row extends QueryResultRow>(
    text: string,
    values: unknown[] = [],
    name?: string,
  ): Promise<Row[]> {
    const query = values.length === 0 && name === undefined ? { text } : { text, values };
    const config = name === undefined ? query : { ...query, name };
    const result = await this.#bounded(this.#client.query<Row>(config));
    const [first] = [result].flat();
    return first?.rows ?? [];
  }

  /** Streams an encoded binary COPY into `events`; errors carry the server's SQLSTATE. */
  async copyEvents(encoded: Buffer): Promise<void> {
    const stream = this.#client.query(
      copyFrom(`COPY events (${WRITTEN_COLUMN_LIST}) FROM STDIN WITH (FORMAT binary)`),
    );
    await this.#bounded(pipeline(Readable.from([encoded], { objectMode: false }), stream));
  }

  /** False while an answer is awaited. */
  get isIdle(): boolean {
    return this.#asked === 0;
  }

  /** Asks the server whether it is there still; cuts the connection where it does not answer. Never rejects. */
  async check(): Promise<void> {
    const watchdog = setTimeout(() => this.destroy(), CHECK_LIMIT_MS);
    await this.query('SELECT 1').catch(() => this.destroy());
    clearTimeout(watchdog);
  }

  /** Cuts the connection at once; the server rolls back what was not committed. */
  destroy(): void {
    this.#broken ??= new Error('Connection terminated by us');
    (
      this.#client as unknown as { connection: { stream: { destroy(): void } } }
    ).connection.stream.destroy();
  }

  /** Says goodbye in order. */
  async close(): Promise<void> {
    if (!this.isUsable) return this.destroy();
    await this.#client.end().catch(() => this.destroy());
  }

  async #bounded<T>(answer: Promise<T>): Promise<T> {
    const limitMs = this.#options.statementTimeoutMs + SILENCE_MARGIN_MS;
    const watchdog = setTimeout(() => this.destroy(), limitMs);
    this.#asked += 1;
    try {
      return await answer;
    } finally {
      this.#asked -= 1;
      clearTimeout(watchdog);
    }
  }
}

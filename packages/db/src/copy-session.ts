import type { Readable, Writable } from 'node:stream';
import type { Secret } from '@adtally/config';
import type { Client, QueryResultRow } from 'pg';
import { from as copyFrom, to as copyTo } from 'pg-copy-streams';
import { AddressedClient } from './addressed-client.ts';
import { noteConnectFailure } from './connect-failures.ts';
import { requireOwnProcess } from './pooler.ts';
import { statedSettings } from './session-settings.ts';

const CONNECT_TIMEOUT_MS = 10_000;
const LOCK_TIMEOUT_MS = 10_000;
/** Between two statements files are written and read; a process that died is noticed by its socket. */
const IDLE_IN_TRANSACTION_MS = 3_600_000;

/** One connection of its own that streams rows out of the database and into it; nothing bounds how long that takes. */
export class CopySession {
  readonly #client: Client;

  private constructor(client: Client) {
    this.#client = client;
    // What was asked fails by itself; without a listener the end of an idle session would end the process.
    client.on('error', () => undefined);
  }

  static async connect(
    databaseUrl: string | Secret,
    applicationName: string,
  ): Promise<CopySession> {
    const newClient = () =>
      new AddressedClient(databaseUrl, {
        application_name: applicationName,
        connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
        keepAlive: true,
      });
    const session = new CopySession(newClient());
    try {
      await session.#client.connect();
      await requireOwnProcess(session.#client, newClient);
      await session.query(
        statedSettings(
          {
            statementTimeoutMs: 0,
            lockTimeoutMs: LOCK_TIMEOUT_MS,
            idleInTransactionMs: IDLE_IN_TRANSACTION_MS,
          },
          // Compiling pays for none of its statements and takes a second of each.
          { jit: 'off' },
        ),
      );
    } catch (error) {
      session.#cut();
      noteConnectFailure(error);
      throw error;
    }
    return session;
  }

  /** Of several statements in one text it returns the rows of the first. `int8` comes as text. */
  async query<Row extends QueryResultRow>(text: string, values: unknown[] = []): Promise<Row[]> {
    const result = await this.#client.query<Row>(values.length === 0 ? { text } : { text, values });
    const [first] = [result].flat();
    return first?.rows ?? [];
  }

  /** @param text `COPY ... TO STDOUT` */
  copyOut(text: string): Readable {
    return this.#client.query(copyTo(text));
  }

  /** @param text `COPY ... FROM STDIN` */
  copyIn(text: string): Writable {
    return this.#client.query(copyFrom(text));
  }

  /** Ends it; what was not committed is rolled back, also in the midst of a COPY. */
  async [Symbol.asyncDispose](): Promise<void> {
    const ended = this.#client.end().catch(() => undefined);
    // A COPY that was given up would be waited for.
    this.#cut();
    await ended;
  }

  #cut(): void {
    (
      this.#client as unknown as { connection: { stream: { destroy(): void } } }
    ).connection.stream.destroy();
  }
}

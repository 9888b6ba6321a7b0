import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import type { Secret } from '@adtally/config';
import {
  cutConnections,
  openDatabase,
  sayEnded,
  sayLives,
  type Database,
  type ServiceProcess,
} from '@adtally/db';
import { pause, RecurringTask } from '@adtally/pacing';
import type { Heartbeat, Service } from '@adtally/service';
import type { Logger } from '@adtally/telemetry';

export interface PresenceParts {
  /** As the app is known in logs and metrics. */
  readonly app: string;
  readonly config: { readonly databaseUrl: string | Secret };
  readonly heartbeat: Pick<Heartbeat, 'isFresh' | 'hasBeaten'>;
  readonly log: Logger;
}

export interface PresenceOptions {
  /** Whether this process does the work of its service, or waits to be the one that does; without it always. */
  readonly isAtWork?: () => boolean;
  /** From word to word. */
  readonly everyMs?: number;
}

/** Several words before the process counts as dead (`PROCESS_SILENT_MS`). */
const SAY_EVERY_MS = 5_000;
const STATEMENT_TIMEOUT_MS = 5_000;
const LOCK_TIMEOUT_MS = 1_000;
/** A goodbye that the database does not take: the process goes silent by itself. */
const GOODBYE_WAIT_MS = 500;

/**
 * Says in the database, every few seconds, that this process lives and its work goes on, for whoever leads to tell
 * once it does not (docs/adr/0030). By the heartbeat of the work itself: a process whose loop hangs goes silent as a dead
 * one does. One connection of its own, and nothing that the service of this process waits for.
 */
export class ServicePresence implements Service {
  readonly name = 'presence';
  readonly #parts: PresenceParts;
  readonly #isAtWork: () => boolean;
  readonly #who: ServiceProcess;
  readonly #db: Database;
  readonly #saying: RecurringTask;
  #hasSpoken = false;
  #isFailing = false;
  #wasFresh = true;

  constructor(parts: PresenceParts, { isAtWork, everyMs = SAY_EVERY_MS }: PresenceOptions = {}) {
    this.#parts = parts;
    this.#isAtWork = isAtWork ?? (() => true);
    const unique = randomBytes(3).toString('hex');
    this.#who = { service: parts.app, process: `${hostname()}/${process.pid}/${unique}` };
    this.#db = openDatabase(parts.config.databaseUrl, {
      applicationName: 'adtally-presence',
      maxConnections: 1,
      statementTimeoutMs: STATEMENT_TIMEOUT_MS,
      lockTimeoutMs: LOCK_TIMEOUT_MS,
    });
    this.#saying = new RecurringTask({
      everyMs,
      firstAfterMs: 0,
      run: () => this.#say(),
      onError: (error) => this.#noteFailure(error),
    });
  }

  async start(): Promise<void> {
    this.#saying.start();
  }

  /** Says goodbye, without waiting long for the server. */
  async stop(): Promise<void> {
    const said = new AbortController();
    const goodbye = this.#saying
      .stop()
      .then(async () => {
        if (this.#hasSpoken) await sayEnded(this.#db, this.#who);
      })
      .catch(() => undefined)
      .finally(() => said.abort());
    await Promise.race([goodbye, pause(GOODBYE_WAIT_MS, said.signal)]);
    cutConnections(this.#db);
    await this.#db.destroy();
  }

  async #say(): Promise<void> {
    const { isFresh, hasBeaten } = this.#parts.heartbeat;
    if (isFresh !== this.#wasFresh) this.#noteTurn(isFresh);
    if (!isFresh) return;
    this.#hasSpoken = true;
    // One that is started again and again, and ends before its loop turns, must not pass for one that works.
    await sayLives(this.#db, this.#who, hasBeaten && this.#isAtWork());
    this.#isFailing = false;
  }

  #noteTurn(isFresh: boolean): void {
    this.#wasFresh = isFresh;
    if (isFresh) this.#parts.log.info('the work goes on again');
    else this.#parts.log.error('the work does not go on: this process counts as dead');
  }

  #noteFailure(error: unknown): void {
    const level = this.#isFailing ? 'debug' : 'warn';
    this.#isFailing = true;
    this.#parts.log[level]({ err: error }, 'cannot say in the database that this process lives');
  }
}

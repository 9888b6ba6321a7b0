import type { Secret } from '@adtally/config';
import { cutConnections, openDatabase, type Database } from '@adtally/db';
import { pause } from '@adtally/pacing';
import { limitSilence, tryLead } from './leader-lock.ts';

export interface LeadershipOptions {
  readonly databaseUrl: string | Secret;
  /** Shown in `pg_stat_activity`. */
  readonly applicationName: string;
  /** Number of the advisory lock whose holder leads. */
  readonly lock: number;
  /** From try to try of those who would lead, and after a session that failed. */
  readonly everyMs: number;
  /** A session that says nothing for so long is ended by the server. */
  readonly silentMaxMs: number;
  /** Whether to try for the lead just now, asked before each try; without it always. */
  readonly mayLead?: (session: Database) => Promise<boolean>;
  /** Does the work of the leader in its session, until the signal fires or it gives up; throws where the session is of no use. */
  readonly lead: (session: Database, over: AbortSignal) => Promise<void>;
  /** The session answers. */
  readonly onSession?: () => void;
  /** The session is gone, or was never there; not told of a stop. */
  readonly onFailure: (error: unknown) => void;
}

/** Longest statement, by the server's clock: counting millions of letters takes seconds. */
const STATEMENT_TIMEOUT_MS = 10_000;
const LOCK_TIMEOUT_MS = 1_000;
/** A process that starts, and those behind it, wait for its first commit: whoever leads can wait for that long. */
const FIRST_TRY_AFTER_MS = 500;

/**
 * Leads while its session holds the advisory lock, stands by otherwise, begins anew when the session is lost. One
 * connection of its own, and nothing that the service of this process waits for.
 */
export class Leadership {
  readonly #options: LeadershipOptions;
  readonly #stopping = new AbortController();
  #running: Promise<void> = Promise.resolve();

  constructor(options: LeadershipOptions) {
    this.#options = options;
  }

  start(): void {
    if (!this.#stopping.signal.aborted) this.#running = this.#run();
  }

  /** Ends the session, and with it the lead, without waiting for the server. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    await pause(FIRST_TRY_AFTER_MS, signal);
    while (!signal.aborted) {
      try {
        await this.#keepSession();
      } catch (error) {
        if (!signal.aborted) this.#options.onFailure(error);
      }
      await pause(this.#options.everyMs, signal);
    }
  }

  /** One session: stands by until it leads, then leads for as long as the session lives. */
  async #keepSession(): Promise<void> {
    const { signal } = this.#stopping;
    const ended = new AbortController();
    const db = openDatabase(this.#options.databaseUrl, {
      applicationName: this.#options.applicationName,
      maxConnections: 1,
      statementTimeoutMs: STATEMENT_TIMEOUT_MS,
      lockTimeoutMs: LOCK_TIMEOUT_MS,
      // Between two looks too: the next leader may speak at once.
      onConnectionEnd: () => ended.abort(),
    });
    const cut = (): void => cutConnections(db);
    signal.addEventListener('abort', cut, { once: true });
    try {
      const over = AbortSignal.any([signal, ended.signal]);
      // The connection is never given back in between: another one would not hold the lock.
      await db.connection().execute((session) => this.#standBy(session, over));
    } finally {
      signal.removeEventListener('abort', cut);
      cut();
      await db.destroy();
    }
  }

  async #standBy(session: Database, over: AbortSignal): Promise<void> {
    const { lock, everyMs, silentMaxMs, mayLead, lead, onSession } = this.#options;
    await limitSilence(session, silentMaxMs);
    while (!over.aborted) {
      const leads = (await mayLead?.(session)) !== false && (await tryLead(session, lock));
      onSession?.();
      if (leads) {
        await lead(session, over);
        return;
      }
      await pause(everyMs, over);
    }
  }
}

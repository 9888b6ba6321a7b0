import {
  adoptSources,
  databaseFailureAtWork,
  requireSchema,
  WriterSession,
  type HeldSource,
  type WriterSessionOptions,
} from '@adtally/db';
import { Abandoned, Backoff, type ServerFailure } from '@adtally/pacing';
import { ServerStanding } from '@adtally/service';
import type { Logger } from '@adtally/telemetry';
import type { Cursor } from './compare-claim.ts';

const RECONNECT_FIRST_MS = 50;
const RECONNECT_LAST_MS = 5_000;

/** Where the held sources stand in the database, by source id. */
export type Cursors = ReadonlyMap<number, Cursor>;

/** What this process believes to own, and who is told where it really stands. */
export interface HeldSources {
  /** At any time. */
  readonly held: () => readonly HeldSource[];
  /** Told of every new session, before anybody may use it. */
  readonly compare?: (cursors: Cursors) => void;
}

/**
 * The connection for writing, renewed as often as it breaks. A new session writes itself into the
 * cursor rows we hold before it does anything else: the next owner must always know whom to evict.
 *
 * The database was there when the link was made: whatever happens to it later is waited for.
 */
export class WriterLink {
  readonly #options: WriterSessionOptions;
  readonly #sources: HeldSources;
  readonly #standing: ServerStanding;
  readonly #cutting = new AbortController();
  #session: WriterSession | null = null;
  /** An attempt under way, whoever began it: there is never more than one. */
  #opening: Promise<void> | null = null;

  /** `standing` is how the process stands with its database. */
  constructor(
    options: WriterSessionOptions,
    sources: HeldSources,
    log: Logger,
    standing: ServerStanding = new ServerStanding({ title: 'PostgreSQL', log }),
  ) {
    this.#options = options;
    this.#sources = sources;
    this.#standing = standing;
    standing.worked();
  }

  get isConnected(): boolean {
    return this.#session?.isUsable === true;
  }

  /** What keeps this process from writing; undefined when nothing is known to. */
  get failure(): ServerFailure | undefined {
    return this.#standing.failure;
  }

  /** The session in use; opens one, waiting as long as the database is away. */
  async session(signal: AbortSignal): Promise<WriterSession> {
    if (this.#session?.isUsable !== true) await this.renew(signal);
    return this.#session as WriterSession;
  }

  /** Ends a lost session by a new one, waiting, and says where the held sources stand since. */
  async renew(signal: AbortSignal): Promise<Cursors> {
    const backoff = new Backoff(RECONNECT_FIRST_MS, RECONNECT_LAST_MS);
    for (;;) {
      if (signal.aborted) throw new Abandoned('connecting to the database');
      try {
        if (!this.isConnected) await this.#open(signal);
        return await adoptSources(this.#session as WriterSession, this.#sources.held());
      } catch (error) {
        this.#note(error);
        await backoff.wait(signal, 'connecting to the database');
      }
    }
  }

  /** Where the held sources stand now. */
  async cursors(signal: AbortSignal): Promise<Cursors> {
    return await adoptSources(await this.session(signal), this.#sources.held());
  }

  /**
   * Finds out by itself whether the session is there, and opens one that is not: for while nothing is
   * written. One attempt, and never beside a statement, which is bounded by its own time-outs.
   */
  async check(signal: AbortSignal): Promise<void> {
    const session = this.#session;
    if (session?.isUsable === true && session.isIdle) await session.check();
    if (this.isConnected || signal.aborted || this.#cutting.signal.aborted) return;
    try {
      await this.#open(signal);
    } catch (error) {
      if (!signal.aborted && !this.#cutting.signal.aborted) this.#note(error);
    }
  }

  /** A batch was not taken for a reason that is not the batch's. */
  noteRefused(error: unknown): void {
    const failure = databaseFailureAtWork(error);
    if (failure !== null) this.#standing.failed(failure);
  }

  /** A batch was taken. */
  noteTaken(): void {
    this.#standing.answered();
  }

  /** Ends whatever is being asked of a server that may never answer. */
  cut(): void {
    this.#cutting.abort();
    this.#session?.destroy();
  }

  async close(): Promise<void> {
    await this.#session?.close();
    this.#session = null;
  }

  /** One attempt, shared by all who need it now. */
  async #open(signal: AbortSignal): Promise<void> {
    this.#opening ??= this.#connect(signal).finally(() => {
      this.#opening = null;
    });
    await this.#opening;
  }

  async #connect(signal: AbortSignal): Promise<void> {
    this.#session?.destroy();
    const cutting = AbortSignal.any([signal, this.#cutting.signal]);
    if (cutting.aborted) throw new Abandoned('connecting to the database');
    const session = await WriterSession.connect(this.#options, cutting);
    try {
      // Another schema than this build's may be there now: restored, or migrated meanwhile (ADR 16).
      await requireSchema(session);
      this.#sources.compare?.(await adoptSources(session, this.#sources.held()));
    } catch (error) {
      session.destroy();
      throw error;
    }
    this.#session = session;
    this.#standing.answered();
  }

  /** Throws what waiting is no answer to. */
  #note(error: unknown): void {
    const failure = databaseFailureAtWork(error);
    if (failure === null) throw error;
    this.#standing.failed(failure);
  }
}

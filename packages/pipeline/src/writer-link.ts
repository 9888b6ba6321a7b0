import {
  adoptSources,
  isTransientError,
  WriterSession,
  type HeldSource,
  type WriterSessionOptions,
} from '@adtally/db';
import { Abandoned, Backoff } from '@adtally/pacing';
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
 */
export class WriterLink {
  readonly #options: WriterSessionOptions;
  readonly #sources: HeldSources;
  readonly #log: Logger;
  #session: WriterSession | null = null;

  constructor(options: WriterSessionOptions, sources: HeldSources, log: Logger) {
    this.#options = options;
    this.#sources = sources;
    this.#log = log;
  }

  get isConnected(): boolean {
    return this.#session?.isUsable === true;
  }

  /** The session in use; opens one, waiting as long as the database is away. */
  async session(signal: AbortSignal): Promise<WriterSession> {
    if (this.#session?.isUsable !== true) await this.renew(signal);
    return this.#session as WriterSession;
  }

  /** Opens a new session, ends the lost one, and says where the held sources stand since. */
  async renew(signal: AbortSignal): Promise<Cursors> {
    const backoff = new Backoff(RECONNECT_FIRST_MS, RECONNECT_LAST_MS);
    for (;;) {
      if (signal.aborted) throw new Abandoned('connecting to the database');
      try {
        this.#session?.destroy();
        this.#session = await WriterSession.connect(this.#options, signal);
        const cursors = await adoptSources(this.#session, this.#sources.held());
        this.#sources.compare?.(cursors);
        return cursors;
      } catch (error) {
        if (!isTransientError(error)) throw error;
        this.#log.warn(
          { err: error, attempt: backoff.attempts + 1 },
          'database not reachable, waiting',
        );
        await backoff.wait(signal, 'connecting to the database');
      }
    }
  }

  /** Where the held sources stand now. */
  async cursors(signal: AbortSignal): Promise<Cursors> {
    return await adoptSources(await this.session(signal), this.#sources.held());
  }

  /** Ends whatever is being asked of a server that may never answer. */
  cut(): void {
    this.#session?.destroy();
  }

  async close(): Promise<void> {
    await this.#session?.close();
    this.#session = null;
  }
}

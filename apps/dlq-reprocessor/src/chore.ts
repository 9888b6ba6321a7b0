import { Abandoned, backoffMs, pause, RepeatedWords } from '@adtally/pacing';
import {
  isPassing,
  reasonOf,
  WaitingError,
  type HoldUps,
  type Loop,
  type WriterLink,
} from '@adtally/pipeline';
import type { Logger } from '@adtally/telemetry';

export interface ChoreParts {
  /** Told when the database refuses the work. */
  readonly link: WriterLink;
  readonly holdUps: HoldUps;
  readonly log: Logger;
}

export interface ChoreOptions {
  /** Names it in log and status. */
  readonly name: string;
  /** From the end of one run to the start of the next. */
  readonly everyMs: number;
  /** Fires when it is stopped, which does not wait for servers. */
  readonly run: (signal: AbortSignal) => Promise<void>;
}

const AGAIN_FIRST_MS = 1_000;
const AGAIN_LAST_MS = 15_000;

/**
 * Work that recurs beside the loops. Where a server keeps it from that it says why and waits longer each time,
 * and nobody waits with it.
 */
export class Chore implements Loop {
  readonly #parts: ChoreParts;
  readonly #options: ChoreOptions;
  readonly #stopping = new AbortController();
  readonly #words = new RepeatedWords();
  #failures = 0;

  constructor(parts: ChoreParts, options: ChoreOptions) {
    this.#parts = parts;
    this.#options = options;
  }

  stop(): void {
    this.#stopping.abort();
  }

  async run(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      try {
        await this.#options.run(signal);
        this.#noteDone();
      } catch (error) {
        if (error instanceof Abandoned && signal.aborted) return;
        if (!isPassing(error) && !(error instanceof WaitingError)) throw error;
        this.#noteFailed(error);
      }
      const { everyMs } = this.#options;
      const waitMs =
        this.#failures === 0 ? 0 : backoffMs(this.#failures, AGAIN_FIRST_MS, AGAIN_LAST_MS);
      await pause(Math.max(everyMs, waitMs), signal);
    }
  }

  #noteDone(): void {
    if (this.#failures === 0) return;
    const { link, holdUps, log } = this.#parts;
    const { name } = this.#options;
    this.#failures = 0;
    link.noteTaken();
    holdUps.end(name);
    this.#words.end(name);
    log.info({ chore: name }, 'letters are looked after again');
  }

  #noteFailed(error: unknown): void {
    const { link, holdUps, log } = this.#parts;
    const { name } = this.#options;
    this.#failures += 1;
    link.noteRefused(error);
    const reason = reasonOf(error);
    holdUps.note(name, reason);
    if (!this.#words.isDue(name, reason.code, performance.now())) return;
    const fields = { chore: name, reason: reason.code, detail: reason.detail };
    log.warn({ err: error, ...fields }, 'letters cannot be looked after now, trying again');
  }
}

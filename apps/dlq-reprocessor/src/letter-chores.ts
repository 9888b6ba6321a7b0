import { readWriteGuards } from '@adtally/db';
import {
  admitRedrives,
  confirmLetters,
  exhaustLetters,
  isRedriveDue,
  type AttemptLimits,
} from '@adtally/letters';
import { isPassing, type BatchCommitter, type Chores, type WriterLink } from '@adtally/pipeline';
import type { Logger } from '@adtally/telemetry';
import type { Lanes } from './lanes.ts';
import type { Retrier } from './retrier.ts';
import type { Undertaker } from './undertaker.ts';

export interface ChoresParts {
  readonly link: WriterLink;
  readonly lanes: Lanes;
  readonly retrier: Retrier;
  readonly undertaker: Undertaker;
  readonly committer: BatchCommitter;
  readonly log: Logger;
}

export interface ChoresOptions {
  readonly eventsTopic: string;
  readonly limits: AttemptLimits;
  /** From the end of one sweep over what is due to the next. */
  readonly retryIntervalMs: number;
  readonly retriesPerSecond: number;
}

/** How often copies are confirmed, redrives let in and letters buried. */
const TICK_MS = 1_000;

/**
 * What the holder of DLQ partitions does beside copying, one bounded piece a turn: decides copies that came
 * before their reference, lets in what people asked to have redriven, buries, and sweeps over what is due.
 */
export class LetterChores implements Chores {
  readonly #parts: ChoresParts;
  readonly #options: ChoresOptions;
  #tickAtMs = 0;
  #isFailing = false;
  /** When the next batch of a sweep, or the next sweep, may begin. */
  #retryAtMs = 0;

  constructor(parts: ChoresParts, options: ChoresOptions) {
    this.#parts = parts;
    this.#options = options;
  }

  isDue(nowMs: number): boolean {
    return nowMs >= Math.min(this.#tickAtMs, this.#retryAtMs);
  }

  async run(granted: ReadonlySet<number>, signal: AbortSignal): Promise<void> {
    try {
      if (await this.#parts.lanes.claim(granted, signal)) this.#retryAtMs = 0;
      if (performance.now() >= this.#tickAtMs) await this.#tick(signal);
      if (performance.now() >= this.#retryAtMs) await this.#retry(signal);
      if (this.#isFailing) this.#parts.link.noteTaken();
      this.#isFailing = false;
    } catch (error) {
      if (!isPassing(error)) throw error;
      this.#parts.log.warn({ err: error }, 'letters cannot be looked after now, trying again');
      this.#isFailing = true;
      this.#parts.link.noteRefused(error);
      // A lease may have been committed although its answer was lost: the next claim ends it.
      this.#parts.lanes.loseAll();
      this.#tickAtMs = performance.now() + TICK_MS;
      this.#retryAtMs = Math.max(this.#retryAtMs, this.#tickAtMs);
    }
  }

  async release(partitions: readonly number[]): Promise<void> {
    await this.#parts.lanes.release(partitions);
  }

  async #tick(signal: AbortSignal): Promise<void> {
    const { link, lanes, undertaker, committer, log } = this.#parts;
    this.#tickAtMs = performance.now() + TICK_MS;
    if (lanes.held.length === 0) return;
    const session = await link.session(signal);
    committer.horizonMs = (await readWriteGuards(session)).horizonMs;
    const { confirmed, orphans } = await confirmLetters(session);
    if (confirmed + orphans > 0) log.info({ confirmed, orphans }, 'copies decided');
    await admitRedrives(session);
    // What a person asked for does not wait for the next sweep, whichever process let it in.
    if (await isRedriveDue(session, lanes.held)) this.#retryAtMs = 0;
    await exhaustLetters(session, this.#options.eventsTopic, lanes.held, this.#options.limits);
    if ((await undertaker.bury(lanes.held, signal)) > 0) this.#tickAtMs = 0;
  }

  async #retry(signal: AbortSignal): Promise<void> {
    const { retryIntervalMs, retriesPerSecond } = this.#options;
    const tried = await this.#parts.retrier.retryBatch(signal);
    const pauseMs = tried === 0 ? retryIntervalMs : (tried / retriesPerSecond) * 1_000;
    this.#retryAtMs = performance.now() + pauseMs;
    if (tried > 0) this.#tickAtMs = 0; // some may be exhausted now
  }
}

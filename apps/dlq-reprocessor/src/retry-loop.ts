import { readWriteGuards } from '@adtally/db';
import { Abandoned, pause } from '@adtally/pacing';
import {
  isPassing,
  reasonOf,
  type BatchCommitter,
  type HoldUps,
  type Loop,
  type WriterLink,
} from '@adtally/pipeline';
import type { Logger } from '@adtally/telemetry';
import type { LaneClaims } from './lane-claims.ts';
import type { Lanes } from './lanes.ts';
import type { Retrier } from './retrier.ts';

export interface RetryLoopParts {
  readonly link: WriterLink;
  readonly lanes: Lanes;
  readonly claims: LaneClaims;
  /** Lanes that a look at the database found lost. */
  readonly lost: () => Iterable<Lanes['held'][number]>;
  readonly retrier: Retrier;
  readonly committer: BatchCommitter;
  readonly holdUps: HoldUps;
  readonly log: Logger;
  /** Fires when even the batch in hand may be given up. */
  readonly abandoned: AbortSignal;
}

export interface RetryLoopOptions {
  /** From the end of one sweep over what is due to the next. */
  readonly retryIntervalMs: number;
  readonly retriesPerSecond: number;
}

/** How soon it notices that a claim is prepared, or a lane lost. */
const LOOK_EVERY_MS = 50;
const AGAIN_AFTER_MS = 1_000;

/**
 * Claims lanes and tries their letters, batch after batch, on a session of its own: whatever holds up the
 * copying of letters does not hold up this, nor the other way round.
 */
export class RetryLoop implements Loop {
  readonly #parts: RetryLoopParts;
  readonly #options: RetryLoopOptions;
  readonly #stopped = new AbortController();
  /** When the next batch of a sweep, or the next sweep, may begin. */
  #retryAtMs = 0;
  /** Until then the letters of the last batch use up `retriesPerSecond`, whatever is due. */
  #spentUntilMs = 0;
  #isFailing = false;

  constructor(parts: RetryLoopParts, options: RetryLoopOptions) {
    this.#parts = parts;
    this.#options = options;
  }

  /** Ends the loop after the batch in hand. */
  stop(): void {
    this.#stopped.abort();
  }

  /** Something is due before the next sweep: as soon as the rate allows. */
  hurry(): void {
    this.#retryAtMs = this.#spentUntilMs;
  }

  async run(): Promise<void> {
    const { lanes, log } = this.#parts;
    try {
      while (!this.#stopped.signal.aborted) {
        await lanes.turns.take(() => this.#turn());
        const waitMs = Math.min(this.#retryAtMs - performance.now(), LOOK_EVERY_MS);
        if (waitMs > 0) await pause(waitMs, this.#stopped.signal);
      }
    } catch (error) {
      if (!(error instanceof Abandoned)) throw error;
      log.warn(error.message);
    }
    await lanes.release(lanes.held.map(({ lane }) => lane));
  }

  async #turn(): Promise<void> {
    const { lanes, claims, lost, link, holdUps } = this.#parts;
    try {
      lanes.lose(lost());
      if (claims.hasPrepared) await this.#claim();
      if (performance.now() >= this.#retryAtMs) await this.#retry();
      if (!this.#isFailing) return;
      this.#isFailing = false;
      link.noteTaken();
      holdUps.end('retry');
    } catch (error) {
      if (!isPassing(error)) throw error;
      this.#noteFailed(error);
    }
  }

  async #claim(): Promise<void> {
    const { claims, link, committer, abandoned } = this.#parts;
    if ((await claims.takeUp(abandoned)) === 0) return;
    this.hurry();
    committer.horizonMs = (await readWriteGuards(await link.session(abandoned))).horizonMs;
  }

  async #retry(): Promise<void> {
    const { retryIntervalMs, retriesPerSecond } = this.#options;
    const tried = await this.#parts.retrier.retryBatch(this.#parts.abandoned);
    const nowMs = performance.now();
    if (tried > 0) this.#spentUntilMs = nowMs + (tried / retriesPerSecond) * 1_000;
    this.#retryAtMs = tried === 0 ? nowMs + retryIntervalMs : this.#spentUntilMs;
  }

  #noteFailed(error: unknown): void {
    const { lanes, link, holdUps, log } = this.#parts;
    log.warn({ err: error }, 'letters cannot be retried now, trying again');
    this.#isFailing = true;
    link.noteRefused(error);
    holdUps.note('retry', reasonOf(error));
    // A lease may have been committed although its answer was lost: the next claim ends it.
    lanes.loseAll();
    this.#retryAtMs = Math.max(performance.now() + AGAIN_AFTER_MS, this.#spentUntilMs);
  }
}

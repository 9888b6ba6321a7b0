import type { RejectionCode } from '@adtally/event-schema';
import { UNLIMITED } from '@adtally/pipeline';
import { RejectionWindow } from './rejection-window.ts';
import { TokenBucket } from './token-bucket.ts';

export interface BreakerSettings {
  /** Records over which the share is taken while closed. */
  readonly windowRecords: number;
  /** Above this share of rejected records it opens; below half of it it closes. null = never by itself. */
  readonly rejectedShare: number | null;
  /** What it lets through while open. */
  readonly recordsPerSecond: number;
}

/** What an operator wants: `auto` leaves the decision to the share. */
export type BreakerForce = 'auto' | 'open' | 'closed';
export type BreakerState = 'open' | 'closed';

/** What the window holds, for people. */
export interface BreakerFigures {
  readonly records: number;
  readonly rejected: number;
  /** rejected / records; 0 where there are none. */
  readonly share: number;
  readonly codes: Readonly<Partial<Record<RejectionCode, number>>>;
}

export interface BreakerChange {
  readonly to: BreakerState;
  readonly cause: 'share' | 'forced';
  /** What the decision was made from. */
  readonly figures: BreakerFigures;
}

/** While open the window is so long: recovery shall take seconds. */
const PROBE_SECONDS = 2;
const PROBE_RECORDS_MIN = 50;

/**
 * The rejection breaker of one partition under one claim, without clock or I/O. Closed it lets everything
 * through and counts; open it lets `recordsPerSecond` through, so that bad records cannot flood the DLQ
 * while good ones still show that the cause is gone.
 *
 * Opens as soon as more than `rejectedShare * windowRecords` of the last `windowRecords` were rejected.
 * Closes when the last two seconds' worth of records, at least 50, held less than half that share.
 * Changes take effect in `settle` only: between them the records of one fetch are all let through.
 */
export class RejectionBreaker {
  readonly #settings: BreakerSettings;
  #window: RejectionWindow;
  /** null while closed. */
  #tokens: TokenBucket | null = null;
  #force: BreakerForce = 'auto';
  /** Decided by a record, not yet settled; what follows in the same fetch decides nothing. */
  #isChanging = false;

  constructor(settings: BreakerSettings) {
    this.#settings = settings;
    this.#window = new RejectionWindow(settings.windowRecords);
  }

  get isOpen(): boolean {
    return this.#tokens !== null;
  }

  get force(): BreakerForce {
    return this.#force;
  }

  /** True once a whole window was read and did not change the state. */
  get hasSeenWindow(): boolean {
    return this.#window.isFull;
  }

  addGood(count: number): void {
    if (this.#isChanging) return;
    this.#window.addGood(count);
    // Only the open state can end by a good record.
    if (this.isOpen) this.#decide();
  }

  addRejected(code: RejectionCode): void {
    if (this.#isChanging) return;
    this.#window.addRejected(code);
    this.#decide();
  }

  /** A record added as good was rejected by the database later. */
  turnOneBad(code: RejectionCode): void {
    if (this.#isChanging) return;
    this.#window.turnOneBad(code);
    this.#decide();
  }

  /** Carries out what the records since the last call decided. */
  settle(nowMs: number): BreakerChange | null {
    return this.#isChanging ? this.#change('share', nowMs) : null;
  }

  /** Holds it open or closed against the share, or with `auto` gives it back to the share. */
  setForce(force: BreakerForce, nowMs: number): BreakerChange | null {
    this.#force = force;
    this.#isChanging = false;
    if (force === 'auto') {
      this.#decide();
      return this.settle(nowMs);
    }
    return this.isOpen === (force === 'open') ? null : this.#change('forced', nowMs);
  }

  /** Records that may be read now. */
  allowance(nowMs: number): number {
    return this.#tokens?.available(nowMs) ?? UNLIMITED;
  }

  /** True when it is worth the while to read again: half of the burst is at hand. */
  isWorthReading(nowMs: number): boolean {
    return this.#tokens === null || this.#tokens.available(nowMs) >= this.#tokens.burst / 2;
  }

  /** So many records of the allowance were read. */
  take(count: number): void {
    this.#tokens?.take(count);
  }

  figures(): BreakerFigures {
    const { records, rejected } = this.#window;
    return {
      records,
      rejected,
      share: records === 0 ? 0 : rejected / records,
      codes: this.#window.codes(),
    };
  }

  #decide(): void {
    if (this.#force !== 'auto') return;
    const { rejectedShare } = this.#settings;
    const { size, rejected, isFull } = this.#window;
    if (!this.isOpen) this.#isChanging = rejectedShare !== null && rejected > rejectedShare * size;
    else
      this.#isChanging =
        rejectedShare === null || (isFull && rejected < (rejectedShare / 2) * size);
  }

  #change(cause: BreakerChange['cause'], nowMs: number): BreakerChange {
    const figures = this.figures();
    const { recordsPerSecond, windowRecords } = this.#settings;
    this.#isChanging = false;
    if (this.isOpen) {
      this.#tokens = null;
      this.#window = new RejectionWindow(windowRecords);
      return { to: 'closed', cause, figures };
    }
    this.#tokens = new TokenBucket(recordsPerSecond, recordsPerSecond, nowMs);
    const probe = Math.max(PROBE_RECORDS_MIN, recordsPerSecond * PROBE_SECONDS);
    this.#window = new RejectionWindow(probe);
    return { to: 'open', cause, figures };
  }
}

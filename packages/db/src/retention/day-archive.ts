import type { EventDay } from '../event-days.ts';
import type { StillLeads } from './leading.ts';

/** What of one source leaves with a day. */
export interface RetiredCount {
  readonly sourceId: number;
  readonly rows: bigint;
  /** XOR of the first 64 bits of their keys, signed, as the ledger has it. */
  readonly fingerprint: bigint;
  /** Their lowest offset, and the one after their highest. */
  readonly firstOffset: bigint;
  readonly endOffset: bigint;
}

/**
 * A day below the retention horizon that was counted and is to be dropped. What leaves with it are its rows of `events`
 * whose `rollup_cohort(impression_id)` is 0 or more; the others stay. These rows neither come nor go any more, whatever
 * is written beside.
 */
export interface RetiredDay {
  readonly day: EventDay;
  /** By source, in their order; none where nothing leaves. */
  readonly counts: readonly RetiredCount[];
}

/** Where a day goes before it is dropped. */
export interface DayArchive {
  /**
   * Resolves only when all that leaves with the day is written, read back, and what was counted. A day that it has
   * already is compared, not written twice: after a crash it is asked again.
   *
   * @param signal fires when the process is to end: then it may give up, by throwing
   * @param stillLeads is asked before anything is written to the archive or removed from it
   */
  keep(retired: RetiredDay, signal: AbortSignal, stillLeads: StillLeads): Promise<void>;
}

import type { KafkaSettings } from '@adtally/kafka';
import type { StackAddresses } from '@adtally/local-stack';
import { EVENTS_PER_SECOND } from './rollup/fill.ts';
import { measureNoteCost } from './rollup/note-cost.ts';
import { measureRollup } from './rollup/measure-rollup.ts';
import { withServers } from './servers.ts';

export interface BenchRollupOptions {
  /** Of the large run; the small one has a tenth. */
  readonly events: number;
  readonly onProgress: (text: string) => void;
}

/** The one object of `./dev bench rollup --json`. CPU is of PostgreSQL but for the note's. */
export interface RollupReport {
  readonly events: number;
  readonly base_us_per_event: number;
  readonly late_us_per_impression: number;
  /** Of all events. */
  readonly late_share: number;
  /** Bases and differences at 50,000 events a second. */
  readonly cores_at_50000_per_second: number;
  readonly rollup_rows_per_event: number;
  readonly recompute_rows_per_second: number;
  readonly recompute_rows_per_second_small: number;
  readonly recompute_us_per_event: number;
  /** CPU of an event, large by small: 1 = it does not grow with the table. */
  readonly recompute_flatness: number;
  readonly note: {
    readonly us_per_event_without: number;
    readonly us_per_event_with: number;
    readonly ratio_median: number;
    readonly ratio_min: number;
    readonly ratio_max: number;
  };
  /** Rollups kept incrementally equal a recompute, row by row, in both runs. */
  readonly exact: boolean;
}

const SMALL_SHARE = 0.1;

/** Measures what keeping rollups costs. */
export async function benchRollup(
  addresses: StackAddresses,
  kafka: KafkaSettings,
  options: BenchRollupOptions,
): Promise<RollupReport> {
  const { events, onProgress } = options;
  return await withServers(addresses, kafka, async (servers) => {
    onProgress('the note on the hot path');
    const note = await measureNoteCost(servers);
    const small = await measureRollup(servers, Math.round(events * SMALL_SHARE), onProgress);
    const large = await measureRollup(servers, events, onProgress);
    const perEvent =
      (large.baseUsPerEvent * large.baseEvents +
        large.lateUsPerImpression * large.lateImpressions) /
      events;
    return {
      events,
      base_us_per_event: rounded(large.baseUsPerEvent),
      late_us_per_impression: rounded(large.lateUsPerImpression),
      late_share: rounded(large.lateImpressions / events),
      cores_at_50000_per_second: rounded((perEvent * EVENTS_PER_SECOND) / 1e6),
      rollup_rows_per_event: rounded(large.rollupRows / events),
      recompute_rows_per_second: Math.round(large.recomputeRowsPerSecond),
      recompute_rows_per_second_small: Math.round(small.recomputeRowsPerSecond),
      recompute_us_per_event: rounded(large.recomputeUsPerEvent),
      recompute_flatness: rounded(large.recomputeUsPerEvent / small.recomputeUsPerEvent),
      note: {
        us_per_event_without: rounded(note.usPerEventWithout),
        us_per_event_with: rounded(note.usPerEventWith),
        ratio_median: rounded(note.ratio.median),
        ratio_min: rounded(note.ratio.min),
        ratio_max: rounded(note.ratio.max),
      },
      exact: small.isExact && large.isExact,
    };
  });
}

function rounded(value: number): number {
  return Math.round(value * 1000) / 1000;
}

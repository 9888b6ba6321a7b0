import type { ChooseResult, FloorResult, RowByRowResult } from './tasks/tasks.ts';
import type { BatchStats } from './drain/batch-stats.ts';
import type { DrainMeasurement } from './drain/measure-drain.ts';
import type { CpuPerEvent } from './proc/cpu-meter.ts';
import { median, rounded } from './stats.ts';

/** One drain and the floor that was measured right after it. */
export interface Pair {
  readonly drain: DrainMeasurement;
  readonly floor: FloorResult;
}

/** The result of `bench drain`, as `--json` prints it. Medians where the bench was repeated. */
export interface DrainReport {
  readonly events: number;
  readonly seed: number;
  readonly repeat: number;
  readonly seconds: number;
  readonly events_per_second: number;
  readonly floor_events_per_second: number;
  readonly floor_ratio: number;
  /** Null where the row by row phase was left out. */
  readonly row_by_row_events_per_second: number | null;
  readonly row_by_row_ratio: number | null;
  readonly cpu_us_per_event: CpuPerEvent;
  /** CPU of the floor's own process. */
  readonly floor_cpu_us_per_event: number;
  readonly wal_bytes_per_event: number;
  /** Peak resident memory of the consumer, in MiB. */
  readonly rss_mb: number;
  readonly batch: BatchStats;
  /** Share of the records that the fast decoder took. */
  readonly scanner_share: number;
  readonly exact: boolean;
  readonly problems: readonly string[];
}

export interface Measured {
  readonly events: number;
  readonly seed: number;
  readonly pairs: readonly Pair[];
  readonly rowByRow: RowByRowResult | null;
  readonly choice: ChooseResult;
}

const MEBIBYTE = 1_048_576;

/** Puts the measurements together. Ratios are made pair by pair: the machine's own speed drifts. */
export function drainReport({ events, seed, pairs, rowByRow, choice }: Measured): DrainReport {
  const of = (pick: (pair: Pair) => number): number => median(pairs.map(pick));
  const cpu = (name: keyof CpuPerEvent): number | null => {
    const known = pairs
      .map(({ drain }) => drain.cpuUsPerEvent[name])
      .filter((value) => value !== null);
    return known.length === pairs.length ? rounded(median(known), 2) : null;
  };
  const batch = (name: keyof BatchStats): number =>
    rounded(
      of(({ drain }) => drain.batch[name]),
      1,
    );
  const rate = of(({ drain }) => events / drain.seconds);
  const rowRate = rowByRow === null ? null : rowByRow.records / rowByRow.seconds;
  const problems = pairs.flatMap(({ drain }) => drain.problems);
  return {
    events,
    seed,
    repeat: pairs.length,
    seconds: rounded(
      of(({ drain }) => drain.seconds),
      3,
    ),
    events_per_second: rounded(rate, 0),
    floor_events_per_second: rounded(
      of(({ floor }) => floor.records / floor.seconds),
      0,
    ),
    floor_ratio: rounded(
      of(({ drain, floor }) => floor.seconds / drain.seconds),
      3,
    ),
    row_by_row_events_per_second: rowRate === null ? null : rounded(rowRate, 0),
    row_by_row_ratio: rowRate === null ? null : rounded(rate / rowRate, 1),
    cpu_us_per_event: {
      consumer: cpu('consumer'),
      postgres: cpu('postgres'),
      redis: cpu('redis'),
      kafka: cpu('kafka'),
      total: cpu('total'),
    },
    floor_cpu_us_per_event: rounded(
      of(({ floor }) => (floor.cpuSeconds * 1e6) / floor.records),
      2,
    ),
    wal_bytes_per_event: rounded(
      of(({ drain }) => drain.walBytesPerEvent),
      1,
    ),
    rss_mb: rounded(
      of(({ drain }) => drain.peakRssBytes / MEBIBYTE),
      1,
    ),
    batch: {
      batches: batch('batches'),
      rows_per_batch: batch('rows_per_batch'),
      write_ms: batch('write_ms'),
      routed_fast: batch('routed_fast'),
      routed_verified: batch('routed_verified'),
      routed_unasked: batch('routed_unasked'),
      copy_fallbacks: batch('copy_fallbacks'),
      redis_failures: batch('redis_failures'),
    },
    scanner_share: rounded(choice.scanned / events, 4),
    exact: problems.length === 0,
    problems,
  };
}

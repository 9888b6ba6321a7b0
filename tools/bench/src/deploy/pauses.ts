import type { AppendTimes, Commit } from '../live/latencies.ts';

/** A span of time, milliseconds since 1970. */
export interface Span {
  readonly fromMs: number;
  readonly toMs: number;
}

/** How commits and lag went in a span. */
export interface Course {
  /** Longest time without a commit of any partition. */
  readonly pauseMs: number;
  /** Longest time without a commit of one partition, over all partitions. */
  readonly partitionPauseMs: number;
  /** Records appended and not committed, at most. */
  readonly lagRecords: number;
  /** Longest wait of a record appended in the span, from its append to its commit. */
  readonly lagMs: number;
}

/** The lag in records at one moment. */
export interface LagPoint {
  readonly atMs: number;
  readonly records: number;
}

const STEP_MS = 20;

/** What happened in a span. The spans' edges count as commits: a pause is cut there. */
export function courseOf(
  appended: AppendTimes,
  commits: readonly Commit[],
  lag: readonly LagPoint[],
  span: Span,
): Course {
  const byPartition = Map.groupBy(commits, ({ partition }) => partition);
  const pauses = [...byPartition.values()].map((own) => longestPause(own, span));
  let lagMs = 0;
  for (const { partition, first, end, atMs } of commits) {
    // Offsets are in the order of their appends: the first of a commit in the span has waited longest.
    const times = appended[partition] as Float64Array;
    for (let offset = first; offset < end; offset += 1) {
      const appendedMs = times[offset] as number;
      if (appendedMs < span.fromMs) continue;
      if (appendedMs < span.toMs) lagMs = Math.max(lagMs, atMs - appendedMs);
      break;
    }
  }
  return {
    pauseMs: longestPause(commits, span),
    partitionPauseMs: Math.max(0, ...pauses),
    lagRecords: Math.max(0, ...within(lag, span).map(({ records }) => records)),
    lagMs,
  };
}

/** The longest time within the span in which the lag was above so many records. */
export function longestAbove(lag: readonly LagPoint[], records: number, span: Span): number {
  let longest = 0;
  let sinceMs: number | null = null;
  for (const point of within(lag, span)) {
    if (point.records <= records) sinceMs = null;
    else {
      sinceMs ??= point.atMs;
      longest = Math.max(longest, point.atMs - sinceMs);
    }
  }
  return longest;
}

/** The lag from the first append to the last commit, at each fiftieth of a second. */
export function lagCurve(appended: AppendTimes, commits: readonly Commit[]): LagPoint[] {
  const firstMs = Math.min(...appended.map((times) => times[0] ?? Infinity));
  const lastMs = Math.max(...commits.map(({ atMs }) => atMs));
  const steps = Math.max(0, Math.ceil((lastMs - firstMs) / STEP_MS));
  const change = new Float64Array(steps + 1);
  const count = (atMs: number, records: number): void => {
    const step = Math.min(steps, Math.max(0, Math.ceil((atMs - firstMs) / STEP_MS)));
    change[step] = (change[step] as number) + records;
  };
  for (const times of appended) for (const atMs of times) count(atMs, 1);
  for (const { first, end, atMs } of commits) count(atMs, first - end);
  let records = 0;
  return Array.from(change, (delta, step) => {
    records += delta;
    return { atMs: firstMs + step * STEP_MS, records };
  });
}

function longestPause(commits: readonly Commit[], { fromMs, toMs }: Span): number {
  const inside = commits.map(({ atMs }) => atMs).filter((atMs) => atMs > fromMs && atMs < toMs);
  const moments = [fromMs, ...inside.toSorted((a, b) => a - b), toMs];
  let longest = 0;
  for (let n = 1; n < moments.length; n += 1)
    longest = Math.max(longest, (moments[n] as number) - (moments[n - 1] as number));
  return longest;
}

function within(lag: readonly LagPoint[], { fromMs, toMs }: Span): LagPoint[] {
  return lag.filter(({ atMs }) => atMs >= fromMs && atMs < toMs);
}

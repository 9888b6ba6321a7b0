/** Offsets [first, end) of a partition, counted by one commit. Times in milliseconds since 1970. */
export interface Commit {
  readonly partition: number;
  readonly first: number;
  readonly end: number;
  readonly atMs: number;
}

/** Append times of every record, by partition and offset. */
export type AppendTimes = readonly Float64Array[];

export interface Latencies {
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  /** Growth of the lag, in records a second, as a share of the records appended a second. */
  readonly lagGrowth: number;
  /** Records appended a second, in the same span. */
  readonly rate: number;
}

const SECOND_MS = 1_000;

/**
 * How long after its append each record was committed, of the records appended in [fromMs, toMs), and how the lag
 * went in that time: the slope of a straight line through its values at each full second.
 *
 * @throws RangeError where no record was appended then
 */
export function latenciesOf(
  appended: AppendTimes,
  commits: readonly Commit[],
  fromMs: number,
  toMs: number,
): Latencies {
  const waits: number[] = [];
  const slots = Math.max(1, Math.floor((toMs - fromMs) / SECOND_MS));
  // Records that came to the lag (+) and left it (-) before each full second.
  const change = new Float64Array(slots + 1);
  const count = (atMs: number, records: number): void => {
    const slot = Math.max(0, Math.ceil((atMs - fromMs) / SECOND_MS));
    if (slot < change.length) change[slot] = (change[slot] as number) + records;
  };
  for (const { partition, first, end, atMs } of commits) {
    const times = appended[partition] as Float64Array;
    count(atMs, first - end);
    for (let offset = first; offset < end; offset += 1) {
      const appendedMs = times[offset] as number;
      count(appendedMs, 1);
      if (appendedMs >= fromMs && appendedMs < toMs) waits.push(atMs - appendedMs);
    }
  }
  if (waits.length === 0) throw new RangeError('no record was appended in that time');
  const sorted = Float64Array.from(waits).toSorted();
  const rate = (waits.length / (toMs - fromMs)) * SECOND_MS;
  return {
    p50Ms: percentile(sorted, 0.5),
    p99Ms: percentile(sorted, 0.99),
    maxMs: sorted.at(-1) as number,
    lagGrowth: slope(cumulated(change)) / rate,
    rate,
  };
}

/** The value that a share of the sorted values does not pass. */
export function percentile(sorted: Float64Array, share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] as number;
}

function cumulated(changes: Float64Array): Float64Array {
  let sum = 0;
  return changes.map((change) => (sum += change));
}

/** Of the least-squares line through equidistant values, by their number. */
function slope(values: Float64Array): number {
  const middle = (values.length - 1) / 2;
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  let [above, below] = [0, 0];
  for (const [n, value] of values.entries()) {
    above += (n - middle) * (value - mean);
    below += (n - middle) ** 2;
  }
  return below === 0 ? 0 : above / below;
}

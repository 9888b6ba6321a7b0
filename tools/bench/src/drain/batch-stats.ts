/** How the service cut and routed the records, by its own metrics. */
export interface BatchStats {
  readonly batches: number;
  readonly rows_per_batch: number;
  /** Mean time of one batch's transaction. */
  readonly write_ms: number;
  readonly routed_fast: number;
  readonly routed_verified: number;
  readonly routed_unasked: number;
  /** Batches whose COPY met a key that was there already. */
  readonly copy_fallbacks: number;
  /** Answers of Redis that did not come or came too late. */
  readonly redis_failures: number;
}

/** Sums one metric's samples in a Prometheus text, those with the given label only; 0 without any. */
export function sampleSum(text: string, name: string, label = ''): number {
  return text
    .split('\n')
    .filter((line) => line.startsWith(`${name} `) || line.startsWith(`${name}{`))
    .filter((line) => line.includes(label))
    .map((line) => Number(line.slice(line.lastIndexOf('}') + 1).match(/\s([\d.e+-]+)/i)?.[1] ?? 0))
    .reduce((sum, value) => sum + value, 0);
}

/** Reads what the consumer's metrics say of its batches. */
export function batchStats(metrics: string): BatchStats {
  const mean = (name: string): number => {
    const count = sampleSum(metrics, `${name}_count`);
    return count === 0 ? 0 : sampleSum(metrics, `${name}_sum`) / count;
  };
  return {
    batches: sampleSum(metrics, 'adtally_batch_rows_count'),
    rows_per_batch: mean('adtally_batch_rows'),
    write_ms: mean('adtally_batch_write_duration_seconds') * 1000,
    routed_fast: sampleSum(metrics, 'adtally_routed_events_total', 'route="fast"'),
    routed_verified: sampleSum(metrics, 'adtally_routed_events_total', 'route="verified"'),
    routed_unasked: sampleSum(metrics, 'adtally_routed_events_total', 'route="unasked"'),
    copy_fallbacks: sampleSum(metrics, 'adtally_copy_fallbacks_total'),
    redis_failures: sampleSum(metrics, 'adtally_redis_failures_total'),
  };
}

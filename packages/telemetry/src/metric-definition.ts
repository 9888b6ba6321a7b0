/**
 * What a metric is. The names are a public contract (docs/metrics.md, made from the declarations). Rules:
 * prefix `adtally_`, base units in the name, `_total` on counters, labels of few values only. Renaming or
 * removing one breaks somebody's dashboard: add the new name beside the old for a release.
 */
export interface MetricDefinition {
  readonly name: string;
  readonly kind: 'counter' | 'gauge' | 'histogram';
  readonly help: string;
  readonly labels: Readonly<Record<string, LabelValues>>;
  /** Histograms only: upper bounds, in the unit of the name. */
  readonly buckets?: readonly number[];
  /**
   * Gauges only: no series before the first value. For what one process of many tells: a 0 of all the
   * others would be a false answer, and `absent()` would never be true.
   */
  readonly startsAbsent?: true;
}

/** What a label may hold: a closed list (each series starts at 0), or any of few values. */
export type LabelValues = readonly string[] | 'open';

/** Metrics declared together, by the keys under which code uses them. */
export type MetricDefinitions = Readonly<Record<string, MetricDefinition>>;

/** Bounds in seconds, from a batch that went straight through to a backlog of some minutes. */
export const LATENCY_SECONDS = [
  0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 900,
] as const;
/** Bounds in seconds, of work on one server. */
export const DURATION_SECONDS = [
  0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
] as const;

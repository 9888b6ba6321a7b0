import type { Meter } from '@opentelemetry/api';
import type { LabelValues, MetricDefinition, MetricDefinitions } from './metric-definition.ts';

type LabelsOf<D extends MetricDefinition> = {
  readonly [L in keyof D['labels']]: D['labels'][L] extends readonly (infer V)[] ? V : string;
};

/** No label, no argument; otherwise all labels, closed ones by their values. */
type LabelArguments<D extends MetricDefinition> = keyof D['labels'] extends never
  ? []
  : [labels: LabelsOf<D>];

export interface Counter<D extends MetricDefinition> {
  /** Adds n >= 0. */
  add(n: number, ...labels: LabelArguments<D>): void;
}

export interface Gauge<D extends MetricDefinition> {
  set(value: number, ...labels: LabelArguments<D>): void;
  /** Ends one series, e.g. of a partition that was revoked. */
  remove(...labels: LabelArguments<D>): void;
  /** Ends every series of this gauge. */
  clear(): void;
}

export interface Histogram<D extends MetricDefinition> {
  record(value: number, ...labels: LabelArguments<D>): void;
}

export type InstrumentOf<D extends MetricDefinition> = D['kind'] extends 'counter'
  ? Counter<D>
  : D['kind'] extends 'gauge'
    ? Gauge<D>
    : Histogram<D>;

/** One instrument a definition, by its key: what a part of a program is given to tell its figures by. */
export type Instruments<D extends MetricDefinitions> = {
  readonly [K in keyof D]: InstrumentOf<D[K]>;
};

type Labels = Record<string, string>;

/** Makes an instrument a definition. Two of one name would be one series told twice: an error. */
export function createInstruments<D extends MetricDefinitions>(
  meter: Meter,
  definitions: D,
): Instruments<D> {
  const names = new Set<string>();
  const instruments = Object.entries(definitions).map(([key, definition]) => {
    if (names.has(definition.name)) throw new Error(`metric ${definition.name} is declared twice`);
    names.add(definition.name);
    return [key, createInstrument(meter, definition)];
  });
  return Object.fromEntries(instruments) as Instruments<D>;
}

/** Makes the instrument of a definition; closed counters and gauges start at 0 if not told otherwise. */
function createInstrument(meter: Meter, definition: MetricDefinition): unknown {
  const options = { description: definition.help };
  switch (definition.kind) {
    case 'counter': {
      const counter = meter.createCounter(definition.name, options);
      for (const labels of knownSeries(definition.labels)) counter.add(0, labels);
      return { add: (n: number, labels?: Labels) => counter.add(n, labels) };
    }
    case 'histogram': {
      const histogram = meter.createHistogram(definition.name, {
        ...options,
        advice: { explicitBucketBoundaries: [...(definition.buckets ?? [])] },
      });
      return { record: (value: number, labels?: Labels) => histogram.record(value, labels) };
    }
    case 'gauge':
      return createGauge(meter, definition);
    default:
      return definition.kind satisfies never;
  }
}

/** A synchronous gauge of the SDK cannot forget a series, so the values live here and are observed. */
function createGauge(meter: Meter, definition: MetricDefinition): unknown {
  const series = new Map<string, { labels: Labels; value: number }>();
  const set = (value: number, labels: Labels = {}) =>
    void series.set(seriesKey(labels), { labels, value });
  if (definition.startsAbsent !== true) {
    for (const labels of knownSeries(definition.labels)) set(0, labels);
  }
  meter
    .createObservableGauge(definition.name, { description: definition.help })
    .addCallback((result) => {
      for (const { labels, value } of series.values()) result.observe(value, labels);
    });
  return {
    set,
    remove: (labels: Labels = {}) => void series.delete(seriesKey(labels)),
    clear: () => series.clear(),
  };
}

function seriesKey(labels: Labels): string {
  return JSON.stringify(Object.entries(labels).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

/** Every combination of closed label values; none where a label is open. */
function knownSeries(labels: Readonly<Record<string, LabelValues>>): Labels[] {
  let combinations: Labels[] = [{}];
  for (const [label, values] of Object.entries(labels)) {
    if (values === 'open') return [];
    combinations = combinations.flatMap((known) =>
      values.map((value) => ({ ...known, [label]: value })),
    );
  }
  return combinations;
}

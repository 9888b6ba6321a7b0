import { PrometheusSerializer } from '@opentelemetry/exporter-prometheus';
import { MeterProvider } from '@opentelemetry/sdk-metrics';
import { createInstruments, type Instruments } from './instruments.ts';
import type { MetricDefinitions } from './metric-definition.ts';
import { createProcessObserver, PROCESS_METRICS, type ProcessMetrics } from './process-metrics.ts';
import type { PushReader } from './otlp/push-reader.ts';
import { describeResource, type OtelIdentity } from './resource.ts';
import { ScrapeReader } from './scrape-reader.ts';

export interface MetricsOptions<D extends MetricDefinitions> {
  readonly service: string;
  readonly version: string;
  /** What this process measures, beside the figures every process has. */
  readonly definitions: D;
  /** What the environment says of who exports. */
  readonly identity?: OtelIdentity;
  /** Pushes them as well. */
  readonly push?: PushReader | undefined;
}

/** What the admin server needs of the metrics, whichever they are. */
export interface MetricsExport extends ProcessMetrics {
  /** Calls back before each scrape and push, for figures that are taken, or end, when somebody asks. */
  beforeScrape(observe: () => void): void;
  /** The Prometheus text of all series, for `GET /metrics`. */
  render(): Promise<string>;
  /** Lets go of timers; render fails afterwards. */
  shutdown(): Promise<void>;
}

/** One typed instrument a definition, by its key, and the means to export them. */
export type Metrics<D extends MetricDefinitions> = Instruments<D> & MetricsExport;

export const METRICS_CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

// Above any real set of series (partitions x reasons); past it the SDK folds into one overflow series.
const SERIES_MAX = 5_000;

/**
 * Creates the metrics of a process: those declared, and no others. Scraping is always on, whatever else they are
 * pushed to. Nothing here opens a port.
 */
export function createMetrics<D extends MetricDefinitions>(options: MetricsOptions<D>): Metrics<D> {
  const reader = new ScrapeReader();
  const serializer = new PrometheusSerializer('', false, undefined, false, true);
  const provider = new MeterProvider({
    resource: describeResource(options.service, options.version, options.identity),
    readers: options.push === undefined ? [reader] : [reader, options.push],
    views: [{ instrumentName: '*', aggregationCardinalityLimit: SERIES_MAX }],
  });
  const meter = provider.getMeter('adtally', options.version);
  const instruments = createInstruments(meter, {
    ...options.definitions,
    ...PROCESS_METRICS,
  }) as Instruments<D> & ProcessMetrics;
  instruments.buildInfo.set(1, { version: options.version, node: process.version });
  const observer = createProcessObserver(instruments);
  const observers = [() => observer.observe()];
  const observe = () => {
    for (const take of observers) take();
  };
  options.push?.observeBy(observe);
  return {
    ...instruments,
    beforeScrape: (take: () => void) => void observers.push(take),
    async render() {
      observe();
      const { resourceMetrics, errors } = await reader.collect();
      if (errors.length > 0) throw new AggregateError(errors, 'cannot collect metrics');
      return serializer.serialize(resourceMetrics);
    },
    async shutdown() {
      observer.stop();
      await provider.shutdown();
    },
  };
}

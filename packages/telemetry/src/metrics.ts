import { monitorEventLoopDelay } from 'node:perf_hooks';
import { PrometheusSerializer } from '@opentelemetry/exporter-prometheus';
import { MeterProvider } from '@opentelemetry/sdk-metrics';
import { createInstrument, type InstrumentOf } from './instruments.ts';
import { METRIC_DEFINITIONS, type MetricDefinitions } from './metric-definitions.ts';
import { describeResource, type EnvLike } from './resource.ts';
import { ScrapeReader } from './scrape-reader.ts';

export interface MetricsOptions {
  readonly service: string;
  readonly version: string;
  /** OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES are read from here. */
  readonly env?: EnvLike;
  /** Rejection codes, so that each has a series from the start. */
  readonly deadLetterCodes?: readonly string[];
}

type Instruments = { readonly [K in keyof MetricDefinitions]: InstrumentOf<MetricDefinitions[K]> };

/** One typed instrument a definition, by its key in METRIC_DEFINITIONS. */
export interface Metrics extends Instruments {
  /** The Prometheus text of all series, for `GET /metrics`. */
  render(): Promise<string>;
  /** Lets go of timers; render fails afterwards. */
  shutdown(): Promise<void>;
}

export const METRICS_CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

// Above any real set of series (partitions x reasons); past it the SDK folds into one overflow series.
const SERIES_MAX = 5_000;

/**
 * Creates the service's metrics. Scraping is always on: OTEL_METRICS_EXPORTER chooses push exporters
 * elsewhere and does not switch `/metrics` off. Nothing here opens a port.
 */
export function createMetrics(options: MetricsOptions): Metrics {
  const reader = new ScrapeReader();
  const serializer = new PrometheusSerializer('', false, undefined, false, true);
  const provider = new MeterProvider({
    resource: describeResource(options.service, options.version, options.env ?? {}),
    readers: [reader],
    views: [{ instrumentName: '*', aggregationCardinalityLimit: SERIES_MAX }],
  });
  const meter = provider.getMeter('adtally', options.version);
  const instruments = Object.fromEntries(
    Object.entries(METRIC_DEFINITIONS).map(([key, definition]) => [
      key,
      createInstrument(meter, definition),
    ]),
  ) as unknown as Instruments;

  instruments.buildInfo.set(1, { version: options.version, node: process.version });
  for (const code of options.deadLetterCodes ?? []) instruments.deadLetters.add(0, { code });
  const observeProcess = createProcessObserver(instruments);
  return {
    ...instruments,
    async render() {
      observeProcess.observe();
      const { resourceMetrics, errors } = await reader.collect();
      if (errors.length > 0) throw new AggregateError(errors, 'cannot collect metrics');
      return serializer.serialize(resourceMetrics);
    },
    async shutdown() {
      observeProcess.stop();
      await provider.shutdown();
    },
  };
}

/** The process's own figures, taken when somebody asks. */
function createProcessObserver(instruments: Instruments): { observe(): void; stop(): void } {
  const delay = monitorEventLoopDelay({ resolution: 20 });
  delay.enable();
  let countedMicros = 0;
  return {
    observe() {
      const cpu = process.cpuUsage();
      const micros = cpu.user + cpu.system;
      instruments.processCpuSeconds.add((micros - countedMicros) / 1e6);
      countedMicros = micros;
      instruments.processResidentMemoryBytes.set(process.memoryUsage.rss());
      const p99 = delay.count > 0 ? delay.percentile(99) / 1e9 : 0;
      instruments.eventLoopDelaySeconds.set(p99);
      delay.reset();
    },
    stop: () => void delay.disable(),
  };
}

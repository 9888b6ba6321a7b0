import { PeriodicExportingMetricReader, type PushMetricExporter } from '@opentelemetry/sdk-metrics';
import { gaugesAsTheyAre } from '../temporality.ts';

/** Pushes all series every so often; what is to be done before a scrape is done before each push too. */
export class PushReader extends PeriodicExportingMetricReader {
  #observe: () => void = () => undefined;

  constructor(
    exporter: PushMetricExporter,
    { intervalMs, timeoutMs }: { intervalMs: number; timeoutMs: number },
  ) {
    exporter.selectAggregationTemporality = gaugesAsTheyAre;
    super({
      exporter,
      exportIntervalMillis: intervalMs,
      exportTimeoutMillis: Math.min(intervalMs, timeoutMs),
    });
  }

  /** What takes the figures that are taken when somebody asks. */
  observeBy(observe: () => void): void {
    this.#observe = observe;
  }

  override async collect(
    ...options: Parameters<PeriodicExportingMetricReader['collect']>
  ): ReturnType<PeriodicExportingMetricReader['collect']> {
    this.#observe();
    return await super.collect(...options);
  }
}

import { MetricReader } from '@opentelemetry/sdk-metrics';
import { gaugesAsTheyAre } from './temporality.ts';

/** Collects when asked and opens no port. */
export class ScrapeReader extends MetricReader {
  constructor() {
    super({ aggregationTemporalitySelector: gaugesAsTheyAre });
  }

  protected override async onForceFlush(): Promise<void> {
    // Nothing is buffered.
  }

  protected override async onShutdown(): Promise<void> {
    // Nothing is held.
  }
}

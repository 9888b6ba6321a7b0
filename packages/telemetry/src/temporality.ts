import { AggregationTemporality, InstrumentType } from '@opentelemetry/sdk-metrics';

/**
 * Gauges are read as they are now: with the cumulative temporality of the stock readers the SDK would repeat a series
 * nobody observes any more, so a partition handed over long ago would go on reporting its lag.
 */
export function gaugesAsTheyAre(type: InstrumentType): AggregationTemporality {
  return type === InstrumentType.OBSERVABLE_GAUGE
    ? AggregationTemporality.DELTA
    : AggregationTemporality.CUMULATIVE;
}

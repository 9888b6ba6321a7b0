import type { DrainMeasurement } from '../drain/measure-drain.ts';
import { info } from '../table/figure.ts';

const MEBIBYTE = 1_048_576;

export function rateOf({ events, seconds }: DrainMeasurement): number {
  return events / seconds;
}

export function problemsOf(...drains: readonly (readonly DrainMeasurement[])[]): string[] {
  return [...new Set(drains.flat().flatMap(({ problems }) => problems))];
}

/** Right by left, run by run; null where one is not known. */
export function ratios(
  left: readonly DrainMeasurement[],
  right: readonly DrainMeasurement[],
  of: (drain: DrainMeasurement) => number | null,
): (number | null)[] {
  return left.map((drain, n) => {
    const other = right[n];
    const [above, below] = [of(drain), other === undefined ? null : of(other)];
    return above === null || below === null ? null : above / below;
  });
}

/** What is told of every set of drains. */
export const DRAIN_FIGURES = {
  rate: info('events/s', 'first claim to last commit'),
  cpu: info('us', 'CPU an event, consumer and all servers', 2),
  cpu_consumer: info('us', 'CPU an event, consumer', 2),
  cpu_postgres: info('us', 'CPU an event, PostgreSQL', 2),
  cpu_redis: info('us', 'CPU an event, Redis', 2),
  cpu_kafka: info('us', 'CPU an event, Kafka', 2),
  rss: info('MiB', 'peak resident memory of the consumer'),
} as const;

export function drainRuns(
  drains: readonly DrainMeasurement[],
): Record<keyof typeof DRAIN_FIGURES, (number | null)[]> {
  const of = (pick: (drain: DrainMeasurement) => number | null) => drains.map(pick);
  return {
    rate: of(rateOf),
    cpu: of(({ cpuUsPerEvent }) => cpuUsPerEvent.total),
    cpu_consumer: of(({ cpuUsPerEvent }) => cpuUsPerEvent.consumer),
    cpu_postgres: of(({ cpuUsPerEvent }) => cpuUsPerEvent.postgres),
    cpu_redis: of(({ cpuUsPerEvent }) => cpuUsPerEvent.redis),
    cpu_kafka: of(({ cpuUsPerEvent }) => cpuUsPerEvent.kafka),
    rss: of(({ peakRssBytes }) => peakRssBytes / MEBIBYTE),
  };
}

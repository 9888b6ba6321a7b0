import type { DedupEvent } from '@adtally/dedup';
import type { Logger } from '@adtally/telemetry';
import type { RedisMetrics } from './metrics.ts';

/** Counts and logs what happens between us and Redis. Without it every event goes the verified way. */
export function noteDedupEvent(event: DedupEvent, metrics: RedisMetrics, log: Logger): void {
  switch (event.type) {
    case 'failure':
      metrics.redisFailures.add(1, { operation: event.operation, kind: event.kind });
      log.debug(
        { err: event.error, operation: event.operation, kind: event.kind },
        'no answer of Redis',
      );
      return;
    case 'disconnected':
      log.warn({ err: event.error }, 'Redis is away');
      return;
    case 'connected':
      log.info('Redis is connected');
      return;
    default:
      event satisfies never;
  }
}

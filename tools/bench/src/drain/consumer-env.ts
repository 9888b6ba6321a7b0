import type { topicsOf } from '../preload/preload.ts';
import type { Servers } from '../servers.ts';

type Topics = ReturnType<typeof topicsOf>;

/** What the service's Redis keys of these topics begin with. */
export function keyPrefixOf({ events }: Topics): string {
  return `adtally:${events}:`;
}

/**
 * What a service is started with, but its database. What the caller set for it (BATCH_*, KAFKA_*, ...) stays;
 * all else are its defaults.
 */
export function consumerEnv(servers: Servers, topics: Topics, group: string): NodeJS.ProcessEnv {
  return {
    ...process.env,
    KAFKA_BROKERS: servers.addresses.kafkaBrokers,
    REDIS_URL: servers.addresses.redisUrl,
    EVENTS_TOPIC: topics.events,
    DLQ_TOPIC: topics.dlq,
    DEAD_TOPIC: topics.dead,
    CONSUMER_GROUP: group,
    START_AT: 'earliest',
    ADMIN_HOST: '127.0.0.1',
    ADMIN_PORT: '0',
    ADMIN_TOKEN: '',
    // Neither of these beside the variable itself.
    DATABASE_URL_FILE: '',
    REDIS_URL_FILE: '',
  };
}

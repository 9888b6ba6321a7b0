import { givenServers } from './env.ts';

/** Where the real servers of a test run answer. */
export interface Servers {
  /** `host:port[,host:port]` */
  readonly kafkaBrokers: string;
  /** A PostgreSQL URL whose user may create databases. */
  readonly databaseUrl: string;
  readonly redisUrl: string;
}

// The lines the native stack runs too. cp-kafka 8.x is Apache Kafka 4.x.
const KAFKA_IMAGE = 'confluentinc/cp-kafka:8.1.0';
const POSTGRES_IMAGE = 'postgres:17';
const REDIS_IMAGE = 'redis:7.4';

/** As the project's own stack sets it: larger fingerprint sets stay compact. */
export const SET_MAX_INTSET_ENTRIES = 8192;

// One start a process and server, shared by every caller; never reset, so a failure is told once and again.
const started = new Map<keyof Servers, Promise<string>>();

/** The Kafka brokers: KAFKA_BROKERS, else a container. Throws with what to do where neither is there. */
export function kafkaBrokers(): Promise<string> {
  return once('kafkaBrokers', givenServers().kafkaBrokers, 'KAFKA_BROKERS', async () => {
    const { KafkaContainer } = await import('@testcontainers/kafka');
    const container = await new KafkaContainer(KAFKA_IMAGE)
      .withKraft()
      .withEnvironment({
        // Fast handover for tests, as on the local stack.
        KAFKA_GROUP_CONSUMER_MIN_HEARTBEAT_INTERVAL_MS: '500',
        KAFKA_GROUP_CONSUMER_HEARTBEAT_INTERVAL_MS: '500',
        KAFKA_GROUP_CONSUMER_ASSIGNMENT_INTERVAL_MS: '0',
        KAFKA_GROUP_CONSUMER_MIN_SESSION_TIMEOUT_MS: '6000',
        KAFKA_GROUP_CONSUMER_SESSION_TIMEOUT_MS: '6000',
      })
      .start();
    return `${container.getHost()}:${container.getMappedPort(9093)}`;
  });
}

/** The PostgreSQL URL: DATABASE_URL, else a container. Throws with what to do where neither is there. */
export function databaseUrl(): Promise<string> {
  return once('databaseUrl', givenServers().databaseUrl, 'DATABASE_URL', async () => {
    const { PostgreSqlContainer } = await import('@testcontainers/postgresql');
    const container = await new PostgreSqlContainer(POSTGRES_IMAGE).start();
    return container.getConnectionUri();
  });
}

/** The Redis URL: REDIS_URL, else a container. Throws with what to do where neither is there. */
export function redisUrl(): Promise<string> {
  return once('redisUrl', givenServers().redisUrl, 'REDIS_URL', async () => {
    const { RedisContainer } = await import('@testcontainers/redis');
    const container = await new RedisContainer(REDIS_IMAGE)
      .withCommand(['redis-server', '--set-max-intset-entries', String(SET_MAX_INTSET_ENTRIES)])
      .start();
    return container.getConnectionUrl();
  });
}

/** All three at once. A test that needs one server asks for that one alone. */
export async function servers(): Promise<Servers> {
  const [kafka, database, redis] = await Promise.all([kafkaBrokers(), databaseUrl(), redisUrl()]);
  return { kafkaBrokers: kafka, databaseUrl: database, redisUrl: redis };
}

function once(
  name: keyof Servers,
  given: string | undefined,
  variable: string,
  startContainer: () => Promise<string>,
): Promise<string> {
  if (given !== undefined) return Promise.resolve(given);
  let address = started.get(name);
  if (address === undefined) {
    address = requireEngine(variable).then(startContainer);
    started.set(name, address);
  }
  return address;
}

async function requireEngine(variable: string): Promise<void> {
  const { getContainerRuntimeClient } = await import('testcontainers');
  try {
    await getContainerRuntimeClient();
  } catch (error) {
    throw new Error(
      `these tests use real servers: ${variable} is not set and no container engine answers. ` +
        'Run `./dev test`, or `./dev up` and export the addresses that `./dev status` shows.',
      { cause: error },
    );
  }
}

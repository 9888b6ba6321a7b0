import {
  kafkaCluster,
  setScramPassword,
  testRedis,
  type KafkaCluster,
  type TestRedis,
} from '@adtally/testkit';
import { APP_ROLE, DatabaseServer } from './database-server.ts';
import { redisCommand } from './redis-command.ts';
import { Sink } from './sink.ts';

/** The servers of a whole run. What a kind breaks is repaired before the next. */
export interface Servers {
  readonly kafka: KafkaCluster;
  readonly database: DatabaseServer;
  readonly redis: TestRedis;
  readonly sink: Sink;
  /** What is right now; services read them from files. */
  readonly passwords: Record<Secret, string>;
  /** One command to Redis; rejects with its error, or where it does not answer. */
  redisAnswer(...words: string[]): Promise<string>;
  close(): Promise<void>;
}

export type Secret = 'kafka' | 'database';
const PASSWORD = 'the-first-password';

/**
 * Three brokers behind proxies, where services need a password and rights; PostgreSQL likewise; Redis.
 *
 * @param settings lines of every broker's server.properties, over those of any run
 */
export async function startServers(
  settings: Readonly<Record<string, string>> = {},
): Promise<Servers> {
  const sink = new Sink();
  await sink.open();
  const parts = await Promise.allSettled([
    kafkaCluster({
      brokers: 3,
      proxied: true,
      acls: true,
      users: { nobody: 'nothing' },
      // Retention is looked after every 5 minutes otherwise.
      settings: {
        'log.retention.check.interval.ms': '1000',
        'log.segment.delete.delay.ms': '1000',
        ...settings,
      },
    }),
    DatabaseServer.start(),
    testRedis(),
  ]);
  const [kafka, database, redis] = parts;
  const close = async (): Promise<void> => {
    sink.close();
    if (kafka.status === 'fulfilled') await kafka.value.close();
    if (database.status === 'fulfilled') await database.value.close();
    if (redis.status === 'fulfilled') await redis.value.close();
  };
  try {
    if (kafka.status === 'rejected') throw kafka.reason;
    if (database.status === 'rejected') throw database.reason;
    if (redis.status === 'rejected') throw redis.reason;
    await setScramPassword(kafka.value, APP_ROLE, PASSWORD);
    await database.value.ask('postgres', `CREATE ROLE ${APP_ROLE} LOGIN PASSWORD '${PASSWORD}'`);
  } catch (error) {
    await close();
    throw error;
  }
  const { url } = redis.value;
  return {
    kafka: kafka.value,
    database: database.value,
    redis: redis.value,
    sink,
    passwords: { kafka: PASSWORD, database: PASSWORD },
    redisAnswer: (...words) => redisCommand(url, words),
    close,
  };
}

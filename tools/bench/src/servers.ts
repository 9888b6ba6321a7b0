import type { KafkaSettings } from '@adtally/kafka';
import type { StackAddresses } from '@adtally/local-stack';
import { Redis } from 'ioredis';
import { Client } from 'pg';
import { BenchError } from './errors.ts';
import { findServerPids, type ServerPids } from './proc/server-pids.ts';

/** The servers a bench measures against, and connections of its own to look at them. */
export interface Servers {
  readonly addresses: StackAddresses;
  readonly kafka: KafkaSettings;
  /** To the database that DATABASE_URL names; nothing is written there. */
  readonly postgres: Client;
  readonly redis: Redis;
  readonly pids: ServerPids;
}

const SCAN_COUNT = 1_000;

/** Connects. @throws BenchError where Redis is no single server */
export async function withServers<T>(
  addresses: StackAddresses,
  kafka: KafkaSettings,
  work: (servers: Servers) => Promise<T>,
): Promise<T> {
  if (!/^rediss?:/.test(addresses.redisUrl)) {
    throw new BenchError(
      'the bench needs one Redis server: a REDIS_URL with redis:// or rediss://',
    );
  }
  const postgres = new Client({ connectionString: addresses.databaseUrl });
  const redis = new Redis(addresses.redisUrl, { lazyConnect: true });
  // A lost connection fails the query that is asked next.
  postgres.on('error', () => undefined);
  redis.on('error', () => undefined);
  try {
    await Promise.all([postgres.connect(), redis.connect()]);
    const pids = await findServerPids(addresses, postgres, redis);
    return await work({ addresses, kafka, postgres, redis, pids });
  } finally {
    redis.disconnect();
    await postgres.end();
  }
}

/** Removes the keys that begin with the prefix, and nothing else. */
export async function removeKeys(redis: Redis, prefix: string): Promise<void> {
  const match = `${prefix.replaceAll(/[*?[\]\\]/g, String.raw`\$&`)}*`;
  for await (const keys of redis.scanStream({ match, count: SCAN_COUNT })) {
    if ((keys as string[]).length > 0) await redis.unlink(...(keys as string[]));
  }
}

/** Where the write-ahead log of the server ends, in bytes. */
export async function walPosition(postgres: Client): Promise<bigint> {
  const { rows } = await postgres.query<{ bytes: string }>(
    "SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::text AS bytes",
  );
  return BigInt(rows[0]?.bytes ?? '0');
}

const INSUFFICIENT_PRIVILEGE = '42501';

/** Writes out what the phase before left behind, so that the next one does not pay for it. */
export async function checkpoint(postgres: Client): Promise<void> {
  try {
    await postgres.query('CHECKPOINT');
  } catch (error) {
    if ((error as { code?: unknown }).code !== INSUFFICIENT_PRIVILEGE) throw error;
  }
}

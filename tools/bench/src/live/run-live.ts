import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { localFolder } from '@adtally/local-stack';
import { Client } from 'pg';
import { AppProcess } from '../app-process.ts';
import { withFreshDatabase } from '../bench-database.ts';
import { THIS_BUILD } from '../build/build.ts';
import { consumerEnv, keyPrefixOf } from '../drain/consumer-env.ts';
import { DrainWatch } from '../drain/progress.ts';
import { BenchError } from '../errors.ts';
import type { Bench } from '../lines/bench.ts';
import { PARTITIONS } from '../preload/preload.ts';
import { withScratchTopics, type Topics } from '../scratch-topics.ts';
import { removeKeys } from '../servers.ts';

/** A consumer that has claimed every partition of an empty topic, with its settings' defaults. */
export interface LiveService {
  readonly topics: Topics;
  readonly databaseUrl: string;
  readonly database: Client;
  readonly consumer: AppProcess;
  readonly admin: Parameters<Parameters<typeof withScratchTopics>[1]>[2];
  /** Waits until so many records are committed. */
  settled(records: number, doing: string): Promise<void>;
}

const POLL_MS = 200;
const CLAIM_LIMIT_MS = 60_000;

/** Runs work beside a consumer of an empty topic; it ends in order, and everything is removed. */
export async function withLiveService<T>(
  bench: Bench,
  work: (service: LiveService) => Promise<T>,
): Promise<T> {
  const { servers } = bench;
  return await withScratchTopics(servers.kafka, async (topics, base, admin) => {
    try {
      return await withFreshDatabase(servers, 'live', async (databaseUrl) => {
        const env = {
          ...consumerEnv(servers, topics, `${base}-live`),
          DATABASE_URL: databaseUrl,
        };
        const log = join(localFolder, 'logs/bench-consumer.log');
        const consumer = await AppProcess.start(THIS_BUILD, 'ingest-consumer', env, log);
        const database = new Client({ connectionString: databaseUrl });
        database.on('error', () => undefined);
        const watch = await DrainWatch.open(databaseUrl);
        try {
          await database.connect();
          await untilClaimed(database, consumer);
          const settled = async (records: number, doing: string): Promise<void> => {
            await watch.until(
              ({ committed }) => committed >= records,
              POLL_MS,
              ({ committed }) => {
                bench.options.signal.throwIfAborted();
                consumer.checkAlive();
                bench.progress(`${doing}: ${committed} of ${records} committed`);
              },
            );
          };
          const result = await work({ topics, databaseUrl, database, consumer, admin, settled });
          await consumer.stop();
          return result;
        } finally {
          consumer.kill();
          await watch.close();
          await database.end();
        }
      });
    } finally {
      await removeKeys(servers.redis, keyPrefixOf(topics));
    }
  });
}

async function untilClaimed(database: Client, consumer: AppProcess): Promise<void> {
  const deadline = performance.now() + CLAIM_LIMIT_MS;
  while (performance.now() < deadline) {
    consumer.checkAlive();
    const { rows } = await database.query<{ n: number }>(
      'SELECT count(*)::int AS n FROM cursors WHERE claimed_at IS NOT NULL',
    );
    if (rows[0]?.n === PARTITIONS) return;
    await sleep(POLL_MS);
  }
  throw new BenchError('the consumer does not claim the partitions of an empty topic');
}

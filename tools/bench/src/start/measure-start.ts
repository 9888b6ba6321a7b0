import { join } from 'node:path';
import { localFolder } from '@adtally/local-stack';
import { Client } from 'pg';
import { AppProcess } from '../app-process.ts';
import { withFreshDatabase } from '../bench-database.ts';
import type { Build } from '../build/build.ts';
import { programOf } from '../build/program.ts';
import { consumerEnv, keyPrefixOf } from '../drain/consumer-env.ts';
import { DrainWatch } from '../drain/progress.ts';
import type { Bench } from '../lines/bench.ts';
import type { Load } from '../preload/loads-file.ts';
import { topicsOf } from '../preload/preload.ts';
import { removeKeys } from '../servers.ts';

/** From just before the process is made, by the database's clock. */
export interface StartMeasurement {
  readonly claimSeconds: number;
  readonly commitSeconds: number;
  readonly problems: readonly string[];
}

const POLL_MS = 10;

/** Starts a consumer on a full topic and an empty database, and stops it once it has committed. */
export async function measureStart(
  bench: Bench,
  load: Load,
  build: Build,
): Promise<StartMeasurement> {
  const { servers, options } = bench;
  const topics = topicsOf(load.topic);
  const group = `${load.topic}-start-${process.pid}-${Date.now().toString(36)}`;
  const env = consumerEnv(servers, topics, group);
  await removeKeys(servers.redis, keyPrefixOf(topics));
  try {
    const measure = async (databaseUrl: string): Promise<StartMeasurement> => {
      const database = new Client({ connectionString: databaseUrl });
      database.on('error', () => undefined);
      const watch = await DrainWatch.open(databaseUrl);
      await database.connect();
      // Made before the clock starts.
      await programOf(build, 'ingest-consumer');
      const startedAt = await now(database);
      const consumer = await AppProcess.start(
        build,
        'ingest-consumer',
        { ...env, DATABASE_URL: databaseUrl },
        join(localFolder, 'logs/bench-consumer.log'),
      );
      try {
        const claimed = await watch.until(
          ({ committed }) => committed > 0,
          POLL_MS,
          () => {
            options.signal.throwIfAborted();
            consumer.checkAlive();
          },
        );
        const commitSeconds = (await firstCommit(database)) - startedAt;
        await consumer.stop();
        const { checks } = await build.audit(databaseUrl);
        const claimSeconds = (claimed.firstClaim ?? Number.NaN) - startedAt;
        const problems = checks
          .filter(({ ok }) => !ok)
          .map(({ name }) => `${build.label} fails: ${name}`);
        return { claimSeconds, commitSeconds, problems };
      } finally {
        consumer.kill();
        await watch.close();
        await database.end();
      }
    };
    return await withFreshDatabase(servers, 'start', measure, (url) =>
      build.prepareDatabase(url, env),
    );
  } finally {
    await removeKeys(servers.redis, keyPrefixOf(topics));
  }
}

async function now(database: Client): Promise<number> {
  const { rows } = await database.query<{ at: number }>(
    'SELECT extract(epoch FROM clock_timestamp())::float8 AS at',
  );
  return rows[0]?.at ?? Number.NaN;
}

async function firstCommit(database: Client): Promise<number> {
  const { rows } = await database.query<{ at: number }>(
    `SELECT extract(epoch FROM min(committed_at))::float8 AS at
     FROM ledger WHERE first_offset IS NOT NULL`,
  );
  return rows[0]?.at ?? Number.NaN;
}

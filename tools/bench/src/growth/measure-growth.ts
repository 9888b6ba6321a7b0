import { join } from 'node:path';
import type { KafkaAdmin } from '@adtally/kafka';
import { localFolder } from '@adtally/local-stack';
import { Client } from 'pg';
import { AppProcess } from '../app-process.ts';
import { withFreshDatabase } from '../bench-database.ts';
import { THIS_BUILD } from '../build/build.ts';
import { consumerEnv, keyPrefixOf } from '../drain/consumer-env.ts';
import { DrainWatch } from '../drain/progress.ts';
import { BenchError } from '../errors.ts';
import type { Bench } from '../lines/bench.ts';
import { endsOf } from '../live/append-times.ts';
import { recount } from '../live/recount.ts';
import { type Topics, withScratchTopics } from '../scratch-topics.ts';
import { removeKeys } from '../servers.ts';
import { runTask } from '../tasks/run-task.ts';

export interface GrowthMeasurement {
  /** Events a second of drains into a small table, and into the grown one. */
  readonly small: readonly number[];
  readonly grown: readonly number[];
  readonly bytesPerRow: number;
  readonly problems: readonly string[];
}

const POLL_MS = 100;
const LINGER_MS = 20;

/** Fills a table through the service, and drains the same number of records before and after. */
export async function measureGrowth(bench: Bench): Promise<GrowthMeasurement> {
  const { servers } = bench;
  return await withScratchTopics(servers.kafka, async (topics, base, admin) => {
    try {
      return await withFreshDatabase(servers, 'growth', async (databaseUrl) => {
        const database = new Client({ connectionString: databaseUrl });
        const watch = await DrainWatch.open(databaseUrl);
        await database.connect();
        try {
          const env = {
            ...consumerEnv(servers, topics, `${base}-growth`),
            DATABASE_URL: databaseUrl,
          };
          const growth = new Growth(bench, { topics, admin, database, watch, env });
          return await growth.measure();
        } finally {
          await watch.close();
          await database.end();
        }
      });
    } finally {
      await removeKeys(servers.redis, keyPrefixOf(topics));
    }
  });
}

interface Place {
  readonly topics: Topics;
  readonly admin: KafkaAdmin;
  readonly database: Client;
  readonly watch: DrainWatch;
  readonly env: NodeJS.ProcessEnv;
}

class Growth {
  readonly #bench: Bench;
  readonly #place: Place;
  #records = 0;

  constructor(bench: Bench, place: Place) {
    this.#bench = bench;
    this.#place = place;
  }

  async measure(): Promise<GrowthMeasurement> {
    const { smallRows, rows, part, fill } = this.#bench.sizes.growth;
    const { rounds } = this.#bench.sizes;
    await this.#drain(smallRows - part);
    const small: number[] = [];
    for (let n = 0; n < rounds; n += 1) small.push(await this.#drain(part));
    const grownFrom = rows - part * rounds;
    while (this.#records < grownFrom) await this.#drain(Math.min(fill, grownFrom - this.#records));
    const grown: number[] = [];
    for (let n = 0; n < rounds; n += 1) grown.push(await this.#drain(part));
    const problems = await recount(this.#place.database, this.#records);
    return { small, grown, bytesPerRow: await this.#bytesPerRow(), problems };
  }

  /** Fills the topic with so many records, then starts the service on it: events a second. */
  async #drain(records: number): Promise<number> {
    if (records <= 0) return Number.NaN;
    const { topics, admin, database, watch, env } = this.#place;
    const { signal, seed } = this.#bench.options;
    const { kafka } = this.#bench.servers;
    this.#tell(`filling ${records} records`);
    const { failed } = await runTask<'generate'>(
      {
        kind: 'generate',
        kafka,
        topic: topics.events,
        records,
        rate: 0,
        seed,
        lingerMs: LINGER_MS,
      },
      signal,
    );
    if (failed > 0) throw new BenchError(`the broker did not take ${failed} records`);
    this.#records += records;
    const log = join(localFolder, 'logs/bench-consumer.log');
    const startedAt = (await watch.read()).at;
    const consumer = await AppProcess.start(THIS_BUILD, 'ingest-consumer', env, log);
    try {
      await watch.until(
        ({ committed }) => committed >= this.#records,
        POLL_MS,
        ({ committed }) => {
          signal.throwIfAborted();
          consumer.checkAlive();
          this.#tell(`${committed} of ${this.#records} records`);
        },
      );
      const { rows } = await database.query<{ claimed: number }>(
        `SELECT extract(epoch FROM min(claimed_at))::float8 AS claimed FROM cursors
         WHERE claimed_at > to_timestamp($1)`,
        [startedAt],
      );
      const seconds = (await watch.lastCommit()) - (rows[0]?.claimed ?? Number.NaN);
      await consumer.stop();
      for (const [partition, end] of (await endsOf(admin, topics.events)).entries())
        await admin.deleteRecordsBefore(topics.events, partition, end);
      return records / seconds;
    } finally {
      consumer.kill();
    }
  }

  async #bytesPerRow(): Promise<number> {
    const { rows } = await this.#place.database.query<{ bytes: number }>(
      `SELECT sum(pg_total_relation_size(relid))::float8 AS bytes FROM pg_partition_tree('events')`,
    );
    return (rows[0]?.bytes ?? Number.NaN) / this.#records;
  }

  #tell(text: string): void {
    this.#bench.progress(`growth: ${text}`);
  }
}

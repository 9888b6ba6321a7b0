import { openDatabase, type Database } from '@adtally/db';
import { migrated } from '@adtally/db/testing';
import {
  claimToFrontier,
  COHORT_MS,
  ensureSomeVersion,
  raiseFrontier,
  readDefinitions,
  ROLLUPS,
  takeNextBase,
} from '@adtally/analytics';
import { testDatabase } from '@adtally/testkit';
import { sql } from 'kysely';
import { onTestFinished } from 'vitest';
import { RunnerProcess } from './runner-process.ts';

/** When the oldest impression of a stage was born. */
export const START_MS = Date.UTC(2026, 0, 31, 12);
const COHORTS = 120;
export const END_MS = START_MS + COHORTS * COHORT_MS;
const EVENTS_PER_IMPRESSION = 1.2;

/** One test's database with counted events, and the runner's processes on it. */
export interface Stage {
  readonly url: string;
  readonly db: Database;
  readonly events: number;
  /** Starts the runner; it is killed when the test ends. */
  start(...argv: string[]): RunnerProcess;
  /** Rows of a query. */
  rows<T>(query: string): Promise<T[]>;
  /** Rows by which two versions' tables differ, over all rollups. */
  differences(left: number, right: number): Promise<number>;
}

/** Impressions over 20 minutes, every sixth clicked, every thirtieth converted, some ids without a time. */
export async function stage(impressions: number, env: Record<string, string> = {}): Promise<Stage> {
  const database = await testDatabase(migrated);
  const db = openDatabase(database.url, { applicationName: 'test', statementTimeoutMs: 0 });
  const processes: RunnerProcess[] = [];
  onTestFinished(async () => {
    await Promise.all(processes.map((process) => process.kill()));
    await db.destroy();
    await database.drop();
  });
  await fill(db, impressions);
  const rows = async <T>(query: string) => (await sql.raw<T>(query).execute(db)).rows;
  return {
    url: database.url,
    db,
    events: impressions * EVENTS_PER_IMPRESSION,
    rows,
    start(...argv) {
      const process = new RunnerProcess(
        { DATABASE_URL: database.url, ADMIN_PORT: '0', ...env },
        argv,
      );
      processes.push(process);
      return process;
    },
    async differences(left, right) {
      let sum = 0;
      for (const { table } of Object.values(ROLLUPS)) {
        const of = (version: number) =>
          `SELECT to_jsonb(r) - 'version' FROM ${table} r WHERE version = ${version}`;
        const [row] = await rows<{ n: bigint }>(
          `SELECT count(*) AS n FROM ((${of(left)} EXCEPT ${of(right)}) UNION ALL (${of(right)} EXCEPT ${of(left)})) d`,
        );
        sum += Number(row?.n);
      }
      return sum;
    },
  };
}

/** Version 2 with all its bases, taken here, and the frontier behind the last event. */
export async function keepHere(db: Database): Promise<void> {
  await ensureSomeVersion(db);
  await raiseFrontier(db, END_MS);
  for (const definition of await readDefinitions(db)) {
    await claimToFrontier(db, definition.version, END_MS, { maxBases: 1_000, baseRows: 5_000 });
    while ((await takeNextBase(db, definition, 'untaken')) !== null);
  }
}

async function fill(db: Database, impressions: number): Promise<void> {
  await sql`
    WITH source AS (INSERT INTO sources (kind, topic, topic_id, partition)
                    VALUES ('events', 'test', 'test', 0) RETURNING source_id),
         ends AS (INSERT INTO ledger (source_id, end_offset, epoch)
                  SELECT source_id, ${impressions * 3}, 0 FROM source RETURNING source_id, end_offset)
    INSERT INTO cursors (source_id, next_offset) SELECT source_id, end_offset FROM ends`.execute(
    db,
  );
  await sql`
    INSERT INTO events (impression_id, event_key, event_type, occurred_at, amount_micros, source_offset,
                        source_id, currency, campaign_id, creative_id, placement_id)
    SELECT (lpad(to_hex(${START_MS}::bigint + i * ${COHORTS * COHORT_MS} / ${impressions}), 12, '0')
            || CASE WHEN i % 500 = 0 THEN '4000' ELSE '7000' END || '8000' || lpad(to_hex(i), 12, '0'))::uuid,
           md5(i || ' ' || kind)::uuid, (ARRAY['impression', 'click', 'conversion']::event_type[])[kind],
           to_timestamp(${START_MS / 1000}) + make_interval(secs => i * 0.01 + kind * 40), i % 1000 + kind,
           i * 3 + kind - 1, 1, 'EUR', 'c-' || i % 7, 'cr-' || i % 21, 'p-' || i % 5
    FROM generate_series(0, ${impressions - 1}::bigint) i,
         LATERAL (SELECT 1 AS kind UNION ALL SELECT 2 WHERE i % 6 = 0 UNION ALL SELECT 3 WHERE i % 30 = 0) k`.execute(
    db,
  );
}

import { openDatabase, type Database, type DatabaseExecutor } from '@adtally/db';
import { migrated } from '@adtally/db/testing';
import { testDatabase } from '@adtally/testkit';
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  COUNTS,
  DEFAULT_DEFINITION,
  inSnapshot,
  type Cut,
  MEASURES,
  periodOf,
  readEvents,
  readFigures,
} from '../src/index.ts';
import { chunksOf, cohortsOf } from '../src/figures/counted-sql.ts';

// What figures cost does not show in them: what is read beside what is asked for.

const DAYS = 60;
const CAMPAIGNS = 10;
const LATER_HOURS = [0, 1, 30];
const ROWS = DAYS * 24 * LATER_HOURS.length * CAMPAIGNS;
const period = periodOf({ from: '2026-04-01', to: '2026-04-02', timeZone: 'UTC' });
let db: Database;
let drop: () => Promise<void>;

beforeAll(async () => {
  const database = await testDatabase(migrated);
  db = openDatabase(database.url, { applicationName: 'test' });
  drop = () => database.drop();
  const measures = MEASURES.join(', ');
  const values = MEASURES.map((name) => (COUNTS.some((count) => count === name) ? 1 : 0)).join(
    ', ',
  );
  // As the worker leaves them: by the hour of birth, each with some conversions of later days.
  for (const [table, dimension] of [
    ['campaign', ''],
    ['creative', ', creative_id'],
    ['placement', ', placement_id'],
  ] as const) {
    await sql`INSERT INTO ${sql.table(`rollup_by_${table}`)}
      (version, cohort, hour, campaign_id, currency, ${sql.raw(`${measures} ${dimension}`)})
      SELECT 2, born * 120, to_timestamp(born * 3600) + later * interval '1 hour', 'c-' || c, 'EUR',
        ${sql.raw(`${values} ${dimension === '' ? '' : ", 'x'"}`)}
      FROM generate_series(extract(epoch FROM timestamptz '2026-03-01 00:00Z')::int / 3600,
                           extract(epoch FROM timestamptz '2026-03-01 00:00Z')::int / 3600 + ${sql.lit(DAYS * 24 - 1)}) born
      CROSS JOIN unnest(${LATER_HOURS}::int[]) later CROSS JOIN generate_series(1, ${sql.lit(CAMPAIGNS)}) c
      ORDER BY born`.execute(db);
  }
  await sql`VACUUM ANALYZE rollup_by_campaign, rollup_by_creative, rollup_by_placement`.execute(db);
});
afterAll(async () => {
  await db.destroy();
  await drop();
});

/** Rows of rollups that this backend has read until now, by walking a table and by an index. */
async function rowsRead(trx: DatabaseExecutor): Promise<{ scanned: bigint; fetched: bigint }> {
  const { rows } = await sql<{ scanned: bigint; fetched: bigint }>`
    SELECT sum(seq_tup_read)::bigint AS scanned, sum(idx_tup_fetch)::bigint AS fetched
    FROM pg_stat_xact_user_tables WHERE relname LIKE 'rollup_by_%'`.execute(trx);
  return rows[0] ?? { scanned: 0n, fetched: 0n };
}

test.each<Cut>(['day', 'creative', 'placement'])(
  'a report of a day by %s reads no more of the rollups than lies around that day',
  async (by) => {
    await inSnapshot(db, async (trx) => {
      const before = await rowsRead(trx);
      await readFigures(trx, DEFAULT_DEFINITION, { period, campaignId: 'c-1', by });
      const after = await rowsRead(trx);
      const [scanned, fetched] = [after.scanned - before.scanned, after.fetched - before.fetched];
      expect(scanned).toBe(0n);
      expect(fetched).toBeGreaterThan(0n);
      expect(fetched).toBeLessThan(BigInt(ROWS / 3));
    });
  },
);

test('how much is attributed together follows from all events of the cohorts, not from those asked for', async () => {
  await inSnapshot(db, async (trx) => {
    const chunks = await cohortsOf(trx, DEFAULT_DEFINITION, { period, campaignId: 'c-1' });
    expect(chunks.flat().length).toBeGreaterThan(24);
  });
  const cohorts = (...events: bigint[]) =>
    events.map((n, index) => ({ first: BigInt(index), last: BigInt(index), events: n }));
  const firsts = (chunked: ReturnType<typeof chunksOf>) =>
    chunked.map((chunk) => chunk.map(({ first }) => first));
  expect(firsts(chunksOf(cohorts(199_999n, 1n, 1n)))).toEqual([[0n, 1n], [2n]]);
  expect(firsts(chunksOf(cohorts(900_000n, 900_000n)))).toEqual([[0n], [1n]]);
  const timeless = { first: -1n, last: -1n, events: 1n };
  expect(firsts(chunksOf([timeless, ...cohorts(1n, 1n)]))).toEqual([[-1n], [0n, 1n]]);
  expect(chunksOf(cohorts(...Array<bigint>(201).fill(1n))).map(({ length }) => length)).toEqual([
    200, 1,
  ]);
  expect(chunksOf([])).toEqual([]);
  const folded = { first: 0n, last: 2879n, events: 500_000n };
  expect(chunksOf([folded])).toEqual([
    [{ first: 0n, last: 959n }],
    [{ first: 960n, last: 1919n }],
    [{ first: 1920n, last: 2879n }],
  ]);
});

test('what is read after events were attributed is planned as ever', async () => {
  const india = periodOf({ from: '2026-04-01', to: '2026-04-02', timeZone: 'Asia/Kolkata' });
  const asked = { period: india, campaignId: 'c-1' };
  const settings = async (trx: Parameters<typeof readFigures>[0]) => {
    const { rows } = await sql<{ settings: string }>`
      SELECT string_agg(name || '=' || setting, ' ' ORDER BY name) AS settings FROM pg_settings
      WHERE name LIKE 'enable_%' OR name IN ('jit', 'work_mem')`.execute(trx);
    return rows[0]?.settings;
  };
  await inSnapshot(db, async (trx) => {
    const before = await settings(trx);
    const { from } = await readFigures(trx, DEFAULT_DEFINITION, { ...asked, by: 'day' });
    expect(from).toBe('events');
    expect(await settings(trx)).toBe(before);
    await readEvents(trx, DEFAULT_DEFINITION, asked, async () => true);
    expect(await settings(trx)).toBe(before);
  });
});

test('more lines than anybody reads are refused before they are held', async () => {
  await sql`INSERT INTO rollup_by_campaign (version, cohort, hour, campaign_id, currency, ${sql.raw(MEASURES.join(', '))})
    SELECT 2, 0, timestamptz '2020-01-01 00:00Z', 'x-' || n, 'EUR', ${sql.raw(MEASURES.map(() => 1).join(', '))}
    FROM generate_series(1, 100001) n`.execute(db);
  const asked = { period: periodOf({ from: '2020-01-01', to: '2020-01-02', timeZone: 'UTC' }) };
  await inSnapshot(db, async (trx) => {
    const read = readFigures(trx, DEFAULT_DEFINITION, { ...asked, by: 'hour' });
    await expect(read).rejects.toThrow('more than 100000 lines: ask for one campaign');
  });
});

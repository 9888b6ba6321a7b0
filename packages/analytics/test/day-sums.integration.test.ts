import { sql } from 'kysely';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { COHORT_MS } from '../src/index.ts';
import { event, idAt, START_MS } from './events.ts';
import { World } from './world.ts';

const COHORTS = 8;
const END_MS = START_MS + COHORTS * COHORT_MS;

let world: World;
beforeAll(async () => {
  world = await World.create();
  const writer = await world.writer();
  const ids = Array.from({ length: COHORTS }, (_, n) => idAt(START_MS + n * COHORT_MS, n));
  await writer.commit(
    ids.flatMap((id) => [
      event({ id, type: 'impression', atMs: 0 }),
      event({ id, type: 'click', atMs: 1_000 }),
    ]),
  );
  await world.settle(END_MS);
  await world.takeBases();
  await world.fold(END_MS, { unitEvents: 1_000n, stepEvents: 1_000n });
});
afterAll(() => world.close());

const all = { impressions: BigInt(COHORTS), clicks: BigInt(COHORTS) };

async function sumsIn(relation: string): Promise<readonly object[]> {
  const { rows } =
    await sql<object>`SELECT impressions, clicks FROM ${sql.table(relation)}`.execute(world.db);
  return rows;
}

it('hours that are folded are in their day, and those that a build of before writes anew are read beside it', async () => {
  expect(await world.count('rollup_by_campaign WHERE NOT in_days')).toBe(0);
  expect(await sumsIn('rollup_days_by_campaign')).toEqual([all]);
  await world.db.transaction().execute(async (trx) => {
    await sql`CREATE TEMP TABLE before ON COMMIT DROP AS SELECT * FROM rollup_by_campaign`.execute(
      trx,
    );
    await sql`DELETE FROM rollup_by_campaign`.execute(trx);
    await sql`INSERT INTO rollup_by_campaign
      SELECT (jsonb_populate_record(b, '{"in_days": false}')).* FROM before b`.execute(trx);
  });
  expect(await sumsIn('rollup_days_by_campaign')).toEqual([]);
  expect(await sumsIn('report_campaign_daily')).toEqual([all]);
  expect(await world.rollupOffences()).toEqual([]);
  await sql`UPDATE rollup_by_campaign SET in_days = true`.execute(world.db);
  expect(await sumsIn('rollup_days_by_campaign')).toEqual([all]);
  expect(await sumsIn('report_campaign_daily')).toEqual([all]);
});

it('the audit finds a day that is not the sum of its hours, and one that is lost, also in a sample', async () => {
  for (const [sabotage, table] of [
    ['UPDATE rollup_days_by_campaign SET clicks = clicks + 1', 'rollup_days_by_campaign'],
    ['DELETE FROM rollup_days_by_placement', 'rollup_days_by_placement'],
  ] as const) {
    await sql.raw(sabotage).execute(world.db);
    for (const full of [true, false]) {
      const details = (await world.rollupOffences(full)).map(({ detail }) => detail);
      expect(details).toContainEqual(
        expect.stringMatching(`rows of ${table} are not the sums of their hours`),
      );
      expect(details).not.toContainEqual(expect.stringContaining('impressions born'));
    }
  }
});

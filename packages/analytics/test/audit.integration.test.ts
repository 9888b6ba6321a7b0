import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { event, idAt, START_MS, timelessId } from './events.ts';
import { World, type Writer } from './world.ts';

let world: World;
let writer: Writer;
beforeAll(async () => {
  world = await World.create();
  writer = await world.writer();
});
beforeEach(async () => {
  await world.clear();
  await writer.commit([
    event({ id: idAt(START_MS, 1), type: 'impression', atMs: 0 }),
    event({ id: idAt(START_MS, 1), type: 'click', atMs: 1_000 }),
    event({
      id: timelessId(START_MS, 2),
      type: 'impression',
      atMs: 0,
      dimensions: ['t', 't', 't'],
    }),
  ]);
  await world.settle(START_MS + 60_000);
  await world.takeBases();
});
afterAll(() => world.close());

it('the audit agrees with rollups that are right, also while notes wait', async () => {
  await writer.commit([event({ id: idAt(START_MS, 1), type: 'conversion', atMs: 2_000 })]);
  expect(await world.count('late_notes')).toBe(1);
  expect(await world.rollupOffences()).toEqual([]);
  await world.applyNotes();
  expect(await world.rollupOffences()).toEqual([]);
});

it.each([
  [
    'a changed count',
    `UPDATE rollup_by_campaign SET clicks = clicks + 1 WHERE campaign_id = 'c-1'`,
  ],
  ['a changed amount', `UPDATE rollup_by_placement SET spend_micros = 1 WHERE campaign_id = 'c-1'`],
  ['a lost row', `DELETE FROM rollup_by_creative WHERE campaign_id = 'c-1'`],
  [
    'a row too many',
    `INSERT INTO rollup_by_campaign SELECT version, cohort, hour, 'other', currency, 1, 0, 0, 0, 0, 0, 0, 0,
       0, 0, 0, 0, 0, 0, 0 FROM rollup_by_campaign WHERE campaign_id = 'c-1'`,
  ],
  [
    'an event written by other hands',
    `UPDATE events SET amount_micros = 5 WHERE event_type = 'click'`,
  ],
])('the audit sees %s, also in a sample', async (_what, sabotage) => {
  await sql.raw(sabotage).execute(world.db);
  for (const full of [true, false]) {
    expect(await world.rollupOffences(full)).toEqual([
      expect.objectContaining({ detail: expect.stringContaining('version 2, impressions born') }),
    ]);
  }
});

it('a full audit looks at ids without a time too', async () => {
  await sql`UPDATE rollup_by_campaign SET clicks = 9 WHERE campaign_id = 't'`.execute(world.db);
  expect(await world.rollupOffences(false)).toEqual([]);
  expect(await world.rollupOffences(true)).toHaveLength(1);
});

it('the audit sees events of a type that no rollup counts, though a recompute agrees', async () => {
  await sql`ALTER TYPE event_type ADD VALUE 'engagement'`.execute(world.db);
  await sql`INSERT INTO events SELECT (jsonb_populate_record(e, ${JSON.stringify({
    event_type: 'engagement',
    event_key: '00000000-0000-8000-8000-000000000001',
  })}::jsonb)).* FROM events e WHERE event_type = 'click'`.execute(world.db);
  const [offence, ...others] = await world.rollupOffences(false);
  expect(others).toEqual([]);
  expect(offence?.detail).toMatch(
    /of 1 events of type "engagement" rollup_by_campaign counts 0; .* rollup_by_creative counts 0; .* rollup_by_placement counts 0$/,
  );
  expect(offence?.detail).not.toContain('differ from a recompute');
});

import { dropDays } from '@adtally/db';
import * as fc from 'fast-check';
import { sql } from 'kysely';
import { afterAll, expect, test } from 'vitest';
import { issueStatement, type StatementRequest, verifyStatement } from '../src/index.ts';
import { event, idAt, START_MS } from './events.ts';
import { World } from './world.ts';

const world = await World.create();
afterAll(() => world.close());

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const YEARS_MS = Date.UTC(2001, 5, 1) - START_MS;

test('a statement is refused exactly where events of its campaign and month left, whatever clocks were wrong', async () => {
  const writer = await world.writer();
  const old = (n: number) => idAt(START_MS, n);
  const kept = (n: number) => idAt(START_MS + 15 * DAY_MS, n);
  const of = (campaign: string) => [campaign, 'cr', 'p'] as const;
  await writer.commit([
    event({ id: old(1), type: 'impression', atMs: 0, dimensions: of('right') }),
    event({ id: kept(1), type: 'impression', atMs: 15 * DAY_MS, dimensions: of('right') }),
    // Clocks that are years behind, and two weeks ahead.
    event({ id: old(2), type: 'impression', atMs: YEARS_MS, dimensions: of('wrong') }),
    event({ id: old(3), type: 'impression', atMs: 14 * DAY_MS, dimensions: of('wrong') }),
    event({ id: kept(2), type: 'impression', atMs: 15 * DAY_MS, dimensions: of('wrong') }),
    // Credited to the campaign that was shown, which has nothing else in February.
    event({ id: old(4), type: 'impression', atMs: 0, dimensions: of('shown') }),
    event({ id: old(4), type: 'conversion', atMs: 6 * DAY_MS, dimensions: of('told') }),
    // Late on the last of January in UTC, and in February in Kolkata.
    event({ id: old(5), type: 'impression', atMs: 11 * HOUR_MS, dimensions: of('evening') }),
    event({ id: old(6), type: 'impression', atMs: 0, dimensions: of('noon') }),
  ]);
  const issued = await issueStatement(world.db, {
    campaignId: 'right',
    month: '2026-02',
    timeZone: 'UTC',
  });
  const dropped = await dropDays(world.db, {
    nowMs: START_MS + 20 * DAY_MS,
    retentionDays: 8,
    archive: null,
    keepsRollups: false,
    signal: new AbortController().signal,
  });
  expect(dropped).toMatchObject({ dropped: [{ rows: 7n }], waiting: [] });

  const outcome = async (campaignId: string, month: string, timeZone = 'UTC') => {
    const request: StatementRequest = { campaignId, month, timeZone };
    return await issueStatement(world.db, request).then(
      ({ events }) => events,
      (error: Error) => (error.message.includes('left with 1 day') ? 'left' : String(error)),
    );
  };
  expect({
    right: [await outcome('right', '2026-01'), await outcome('right', '2026-02')],
    'long ago': await outcome('right', '2010-01'),
    wrong: [await outcome('wrong', '2001-06'), await outcome('wrong', '2010-01')],
    'wrong, in this month': await outcome('wrong', '2026-02'),
    shown: [await outcome('shown', '2026-02'), await outcome('shown', '2026-03')],
    evening: [
      await outcome('evening', '2026-02'),
      await outcome('evening', '2026-02', 'Asia/Kolkata'),
    ],
    noon: [await outcome('noon', '2026-02', 'Asia/Kolkata'), await outcome('noon', '2026-01')],
    nobody: await outcome('nobody', '2026-01'),
  }).toEqual({
    right: ['left', '1'],
    'long ago': '0',
    wrong: ['left', '0'],
    'wrong, in this month': 'left',
    shown: ['left', '0'],
    evening: ['0', 'left'],
    noon: ['0', 'left'],
    nobody: '0',
  });
  expect(await verifyStatement(world.db, issued)).toEqual([]);
});

const DAY = '2030-01-31';
const DAY_START_MS = Date.parse(DAY);
const CAMPAIGNS = ['a', 'B', 'ä'];

/** Around a day apart, on its edges, and far away. */
const anyEvents = fc.array(
  fc.record({
    impression: fc.nat(4),
    campaign: fc.constantFrom(...CAMPAIGNS),
    atMs: fc
      .tuple(
        fc.constantFrom(-9_000 * DAY_MS, 0, DAY_MS, 2 * DAY_MS, 40 * DAY_MS),
        fc.constantFrom(-1, 0, 1, 13 * HOUR_MS),
      )
      .map(([day, offset]) => day + offset),
  }),
  { maxLength: 12 },
);
const anyPeriod = fc.tuple(
  fc.integer({ min: -3 * 24, max: 43 * 24 }),
  fc.constantFrom(24, 25, 24 * 28),
);

test('spans meet a period of a day or longer exactly where an event counts for the campaign in it', async () => {
  const { db } = world;
  await sql`INSERT INTO retired_days (day) VALUES (${DAY})`.execute(db);
  await fc.assert(
    fc.asyncProperty(anyEvents, fc.array(anyPeriod, { maxLength: 8 }), async (events, periods) => {
      const rows = events
        .map(
          ({ impression, campaign, atMs }) =>
            `('${idAt(DAY_START_MS, impression)}'::uuid, '${campaign}', timestamptz '${new Date(DAY_START_MS + atMs).toISOString()}')`,
        )
        .join(', ');
      const leaving = `(SELECT * FROM (VALUES ${rows || `(NULL::uuid, '', now())`}) v (impression_id, campaign_id, occurred_at)
        WHERE impression_id IS NOT NULL) r`;
      await sql`SELECT note_campaign_spans(${DAY}, ${leaving})`.execute(db);
      const spans = await db
        .selectFrom('retired_campaign_spans')
        .selectAll()
        .where('day', '=', sql<Date>`${DAY}::date`)
        .execute();
      for (const campaign of CAMPAIGNS) {
        const impressions = new Set(
          events.filter((one) => one.campaign === campaign).map(({ impression }) => impression),
        );
        for (const [hour, hours] of periods) {
          const fromMs = hour * HOUR_MS;
          const toMs = fromMs + hours * HOUR_MS;
          const some = events.some(
            ({ impression, atMs }) => impressions.has(impression) && atMs >= fromMs && atMs < toMs,
          );
          const met = spans.some(
            ({ campaign_id, first_occurred_at: first, last_occurred_at: last }) =>
              campaign_id === campaign &&
              first.getTime() - DAY_START_MS < toMs &&
              last.getTime() - DAY_START_MS >= fromMs,
          );
          expect(met).toBe(some);
        }
      }
    }),
    { numRuns: 60 },
  );
});

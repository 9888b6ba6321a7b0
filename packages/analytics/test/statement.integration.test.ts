import type { AdEvent } from '@adtally/event-schema';
import * as fc from 'fast-check';
import { sql } from 'kysely';
import { afterAll, describe, expect, onTestFinished, test } from 'vitest';
import {
  bookAdjustment,
  correctStatement,
  DEFAULT_DEFINITION,
  issueStatement,
  readStatement,
  renderStatement,
  type Statement,
  verifyStatement,
} from '../src/index.ts';
import { anyEvent, event, idAt, START_MS } from './events.ts';
import { referenceTotals } from './reference.ts';
import { World } from './world.ts';

const world = await World.create();
afterAll(() => world.close());

const EVERY_CAMPAIGN = ['a', 'A', 'ä', '한'];
const MONTHS = ['2026-01', '2026-02'];
const MAX = 2n ** 63n - 1n;
const JANUARY = { campaignId: 'c-1', month: '2026-01', timeZone: 'UTC' };
const FEBRUARY = { ...JANUARY, month: '2026-02' };

/** A day's figures as the reference has them, by currency: what is not 0. */
function referenceDays(events: readonly AdEvent[], campaign: string, timeZone: string) {
  const dayOf = new Intl.DateTimeFormat('en-CA', { timeZone, dateStyle: 'short' });
  const days: Record<string, Record<string, Record<string, string>>> = {};
  for (const [key, row] of referenceTotals(events, DEFAULT_DEFINITION).campaign) {
    const [hour, of, currency] = JSON.parse(key) as [string, string, string];
    if (of !== campaign) continue;
    const day = dayOf.format(new Date(Number(BigInt(hour) / 1000n)));
    const sums = ((days[day] ??= {})[currency] ??= {});
    for (const [measure, value] of Object.entries(row))
      sums[measure] = String(BigInt(sums[measure] ?? 0) + BigInt(value));
  }
  return days;
}

function statedDays(statements: readonly Statement[]) {
  const days = statements.flatMap(({ days: ofMonth }) =>
    ofMonth
      .filter(({ currencies }) => currencies.length > 0)
      .map(({ day, currencies }) => {
        const byCurrency = currencies.map(({ currency, billed, unmatched, invalid }) => {
          const all = Object.entries({ ...billed, ...unmatched, ...invalid });
          return [currency, Object.fromEntries(all.filter(([, value]) => value !== '0'))] as const;
        });
        return [day, Object.fromEntries(byCurrency)] as const;
      }),
  );
  return Object.fromEntries(days);
}

test('a statement is the sum of plain code over the set of events, in any zone, and verifies; sums pass 2^63', async () => {
  const writers = [await world.writer(), await world.writer()];
  const zone = fc.constantFrom('UTC', 'Europe/Berlin', 'America/New_York');
  await fc.assert(
    fc.asyncProperty(
      fc.array(anyEvent, { minLength: 2, maxLength: 30 }),
      zone,
      async (events, timeZone) => {
        await world.clear();
        const half = Math.floor(events.length / 2);
        await writers[0]?.commit(events.slice(0, half));
        await writers[1]?.commit(events.slice(half));
        for (const campaignId of EVERY_CAMPAIGN) {
          const statements: Statement[] = [];
          for (const month of MONTHS) {
            const statement = await issueStatement(world.db, { campaignId, month, timeZone });
            expect(await verifyStatement(world.db, statement)).toEqual([]);
            expect(readStatement(renderStatement(statement)).problems).toEqual([]);
            statements.push(statement);
          }
          expect(statedDays(statements)).toEqual(referenceDays(events, campaignId, timeZone));
        }
      },
    ),
    { numRuns: 12 },
  );
  const many = [1, 2, 3].map((n) =>
    event({ id: idAt(START_MS, n), type: 'impression', atMs: 0, amount: MAX }),
  );
  await world.clear();
  await writers[0]?.commit(many);
  const { totals } = await issueStatement(world.db, JANUARY);
  expect(totals[0]?.billed['spend_micros']).toBe(String(3n * MAX));
});

describe('what was done to the events since', async () => {
  const id = (n: number) => idAt(START_MS, n);
  const EVENTS = [
    event({ id: id(1), type: 'impression', atMs: 0, amount: 5n }),
    event({ id: id(1), type: 'click', atMs: 1_000, amount: 7n }),
    event({ id: id(2), type: 'impression', atMs: 0, amount: 11n }),
    event({ id: id(2), type: 'click', n: 2, atMs: 2_000, amount: 13n }),
    event({ id: id(3), type: 'conversion', n: 3, atMs: 3_000, amount: 17n, currency: 'USD' }),
  ];

  async function issued() {
    await world.clear();
    const writer = await world.writer();
    await writer.commit(EVENTS);
    const statement = await issueStatement(world.db, JANUARY);
    expect(statement.events).toBe('5');
    expect(await verifyStatement(world.db, statement)).toEqual([]);
    return { writer, statement };
  }

  test.each([
    [
      'one changed amount',
      sql`UPDATE events SET amount_micros = 8 WHERE amount_micros = 7`,
      '2026-01-31 EUR spend_micros: the statement says 36, the events come to 37',
    ],
    [
      'one missing event',
      sql`DELETE FROM events WHERE amount_micros = 13`,
      '2026-01-31 EUR clicks: the statement says 2, the events come to 1',
    ],
    [
      'one added event',
      sql`INSERT INTO events SELECT (jsonb_populate_record(e, '{"event_key": "00000000-0000-8000-8000-000000000001"}')).*
          FROM events e WHERE amount_micros = 7`,
      '2026-01-31 EUR clicks: the statement says 2, the events come to 3',
    ],
    [
      'amounts of two events exchanged',
      sql`UPDATE events SET amount_micros = 16 - amount_micros WHERE amount_micros IN (5, 11)`,
      '2026-01-31: its figures are right, its events are not those that were counted',
    ],
    [
      'an event of another key in the place of one',
      sql`UPDATE events SET event_key = '00000000-0000-8000-8000-000000000001' WHERE amount_micros = 17`,
      '2026-01-31: its figures are right, its events are not those that were counted',
    ],
    [
      'a click moved by a microsecond',
      sql`UPDATE events SET occurred_at = occurred_at + interval '1 microsecond' WHERE amount_micros = 7`,
      '2026-01-31: its figures are right, its events are not those that were counted',
    ],
    [
      'a click given to another campaign',
      sql`UPDATE events SET campaign_id = 'c-2' WHERE amount_micros = 7`,
      '2026-01-31 EUR clicks: the statement says 2, the events come to 1',
    ],
  ])('%s is noticed and named', async (_what, change, expected) => {
    const { statement } = await issued();
    await change.execute(world.db);
    expect(await verifyStatement(world.db, statement)).toContainEqual(
      expect.stringContaining(expected),
    );
  });

  test('late events leave it verified, and make a correction that says what they changed, where they lie', async () => {
    const { writer, statement } = await issued();
    await expect(correctStatement(world.db, statement)).rejects.toThrow(/nothing changed/);
    // The impression that the conversion waited for, and a click of another campaign on the way to it.
    await writer.commit([
      event({ id: id(9), type: 'impression', atMs: 0, dimensions: ['c-9', 'cr', 'p'] }),
      event({ id: id(3), type: 'impression', atMs: 0, amount: 1n }),
    ]);
    expect(await verifyStatement(world.db, statement)).toEqual([]);
    const corrected = await correctStatement(world.db, statement);
    expect(corrected.corrects).toMatchObject({
      digest: statement.digest,
      as_of: statement.as_of,
      changes: expect.arrayContaining([
        { day: '2026-01-31', currency: 'EUR', measure: 'impressions', before: '2', after: '3' },
        {
          day: '2026-01-31',
          currency: 'USD',
          measure: 'unmatched_conversions',
          before: '1',
          after: '0',
        },
        {
          day: '2026-01-31',
          currency: 'USD',
          measure: 'view_value_micros',
          before: '0',
          after: '17',
        },
      ]),
      late: [{ first_offset: '6', end_offset: '7', events: '1' }],
    });
    expect(await verifyStatement(world.db, corrected)).toEqual([]);
    await sql`UPDATE events SET amount_micros = 2 WHERE amount_micros = 1`.execute(world.db);
    expect(await verifyStatement(world.db, statement)).toEqual([]);
    expect((await verifyStatement(world.db, corrected)).join('\n')).toContain(
      'what it says late events changed is not what they changed',
    );
  });

  test('a statement of another database, or one that this database is behind of, is refused', async () => {
    const { statement } = await issued();
    const [position] = statement.as_of.slice(-1);
    const withPosition = (change: object) => ({
      ...statement,
      as_of: [...statement.as_of.slice(0, -1), { ...position, ...change }] as Statement['as_of'],
    });
    const other = verifyStatement(world.db, withPosition({ topic_id: 'another' }));
    await expect(other).rejects.toThrow(/not the one it was issued from/);
    const behind = verifyStatement(world.db, withPosition({ next_offset: '1000' }));
    await expect(behind).rejects.toThrow(/behind it/);
  });

  test('rollups that are behind are named with what they wait for; that contradict the events, there is no statement', async () => {
    await world.clear();
    const writer = await world.writer();
    await world.settle(START_MS);
    await writer.commit(EVENTS);
    const unsettled = await issueStatement(world.db, JANUARY);
    expect(unsettled.rollups).toMatchObject({
      agreement: 'behind',
      detail: expect.stringContaining('waiting: 5 events of impressions born after'),
    });
    await world.settle(START_MS + 3_600_000);
    await world.takeBases();
    expect((await issueStatement(world.db, JANUARY)).rollups.agreement).toBe('equal');
    const india = await issueStatement(world.db, { ...JANUARY, timeZone: 'Asia/Kolkata' });
    expect(india.rollups.agreement).toBe('not comparable');
    await writer.commit([event({ id: id(3), type: 'impression', atMs: 0, amount: 1n })]);
    const late = await issueStatement(world.db, JANUARY);
    expect(late.rollups.detail).toMatch(/waiting: \d+ notes of late events/);
    await world.applyNotes();
    expect((await issueStatement(world.db, JANUARY)).rollups.agreement).toBe('equal');
    await sql`UPDATE rollup_by_campaign SET spend_micros = spend_micros + 1 WHERE spend_micros > 0`.execute(
      world.db,
    );
    await expect(issueStatement(world.db, JANUARY)).rejects.toThrow(
      /not what the events come to, and nothing waits/,
    );
    expect((await issueStatement(world.db, FEBRUARY)).rollups.agreement).toBe('equal');
  });
});

test('what was booked by hand stands apart; what is booked later makes a correction without a changed figure', async () => {
  const own = await World.create();
  onTestFinished(() => own.close());
  const writer = await own.writer();
  const click = { id: idAt(START_MS, 1), type: 'click', atMs: 1_000 } as const;
  await writer.commit([event({ ...click, amount: 7n })]);
  await writer.commit([event({ ...click, amount: 9n }), event({ ...click, amount: 8n })]);
  const { sourceId } = await own.db
    .selectFrom('conflicts')
    .select('source_id as sourceId')
    .limit(1)
    .executeTakeFirstOrThrow();
  const by = { actor: 'ann', reason: 'a wrong price' };
  const booking = { sourceId, amountMicros: 2n, currency: 'EUR', again: true };
  await bookAdjustment(own.db, by, { ...booking, offset: 1n });
  const statement = await issueStatement(own.db, JANUARY);
  expect(statement).toMatchObject({
    adjustments: [{ day: '2026-01-31', event_type: 'click', currency: 'EUR', amount_micros: '2' }],
    totals: [{ currency: 'EUR', unmatched: { unmatched_spend_micros: '7' } }],
  });
  await bookAdjustment(own.db, by, { ...booking, offset: 2n });
  expect(await verifyStatement(own.db, statement)).toEqual([]);
  const corrected = await correctStatement(own.db, statement);
  expect(corrected.adjustments).toHaveLength(2);
  expect(corrected.corrects?.changes).toEqual([]);
  expect(await verifyStatement(own.db, corrected)).toEqual([]);
  const [first] = statement.adjustments;
  const twice = JSON.stringify({ ...statement, adjustments: [first, first] });
  expect(() => readStatement(twice)).toThrow(/it lists adjustment \d+ twice/);
  const other = { ...statement, adjustments: [{ ...first, amount_micros: '3' }] } as Statement;
  expect(await verifyStatement(own.db, other)).toEqual([
    expect.stringContaining('EUR 3 micros, it was booked otherwise'),
  ]);
});

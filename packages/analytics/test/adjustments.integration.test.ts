import type { AdEvent } from '@adtally/event-schema';
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { bookAdjustment, listAdjustments, undoAdjustment } from '../src/index.ts';
import { event, idAt, START_MS } from './events.ts';
import { World } from './world.ts';

let world: World;
let sourceId: number;
beforeAll(async () => {
  world = await World.create();
  const writer = await world.writer();
  const stored = spec({});
  await writer.commit([stored]);
  // Twice the same other amount, and a copy as it was: two conflicts of one event, and a duplicate.
  await writer.commit([spec({ amount: 900n }), stored, spec({ amount: 900n })]);
  const { source_id } = await world.db
    .selectFrom('conflicts')
    .select('source_id')
    .limit(1)
    .executeTakeFirstOrThrow();
  sourceId = source_id;
});
afterAll(() => world.close());

const BY = { actor: 'ann', reason: 'the producer corrected its price' };

function spec({ amount = 1_000n }: { readonly amount?: bigint }): AdEvent {
  return event({ id: idAt(START_MS, 1), type: 'click', n: 1, atMs: 5, amount });
}

const booking = (offset: bigint, more = {}) => ({
  sourceId,
  offset,
  amountMicros: -100n,
  currency: 'EUR',
  again: false,
  ...more,
});

it('books beside the event, once unless it is said, and takes back by a booking', async () => {
  expect(await world.count('conflicts')).toBe(2);
  const first = await bookAdjustment(world.db, BY, booking(1n));
  expect(first).toMatchObject({
    ...BY,
    offset: 1n,
    eventType: 'click',
    occurredAt: '2026-01-31T12:00:00.005000Z',
    campaignId: 'c-1',
    amountMicros: -100n,
    booking: 1,
    undoes: null,
  });
  // The other conflict is of the same event: booked as well, the money would be taken away twice.
  await expect(bookAdjustment(world.db, BY, booking(3n))).rejects.toThrow(
    'adjusted 1 times before',
  );
  await bookAdjustment(world.db, BY, booking(3n, { again: true, amountMicros: 5n }));
  const undone = await undoAdjustment(world.db, { ...BY, actor: 'bob' }, first.adjustmentId);
  expect(undone).toMatchObject({ actor: 'bob', amountMicros: 100n, booking: 3, offset: 1n });
  await expect(undoAdjustment(world.db, BY, first.adjustmentId)).rejects.toThrow('taken back by');
  await expect(undoAdjustment(world.db, BY, 99n)).rejects.toThrow('no adjustment 99');
  await expect(bookAdjustment(world.db, BY, booking(0n))).rejects.toThrow('no conflict');
  await expect(
    bookAdjustment(world.db, { ...BY, reason: ' ' }, booking(1n, { again: true })),
  ).rejects.toThrow('needs an actor and a reason');
  const all = await listAdjustments(world.db);
  expect(all.map(({ amountMicros }) => amountMicros)).toEqual([-100n, 5n, 100n]);
  const day = { fromMs: Date.UTC(2026, 0, 31), toMs: Date.UTC(2026, 1, 1) };
  expect(await listAdjustments(world.db, { campaignId: 'c-1', period: day })).toEqual(all);
  expect(await listAdjustments(world.db, { campaignId: 'c-2', period: day })).toEqual([]);
  const next = { fromMs: day.toMs, toMs: day.toMs + 86_400_000 };
  expect(await listAdjustments(world.db, { period: next })).toEqual([]);
  const view = await sql<object>`SELECT day::text, campaign_id, currency, event_type, adjustments,
    amount_micros FROM report_adjustments_daily`.execute(world.db);
  expect(view.rows).toEqual([
    {
      day: '2026-01-31',
      campaign_id: 'c-1',
      currency: 'EUR',
      event_type: 'click',
      adjustments: 3n,
      amount_micros: '5',
    },
  ]);
  expect(await world.count("operator_actions WHERE action = 'conflicts adjust'")).toBe(3);
  expect(await world.count('events WHERE amount_micros = 1000')).toBe(1);
});

it.each([
  'UPDATE adjustments SET amount_micros = 1',
  'DELETE FROM adjustments',
  'TRUNCATE adjustments',
])('%s is refused', async (statement) => {
  expect(await world.count('adjustments')).toBeGreaterThan(0);
  await expect(sql.raw(statement).execute(world.db)).rejects.toThrow(/append-only|foreign key/);
});

it('of two bookings at once one is refused', async () => {
  const before = await world.count('adjustments');
  const outcomes = await Promise.allSettled(
    [1n, 2n, 3n, 4n].map((amountMicros) =>
      bookAdjustment(world.db, BY, booking(3n, { again: true, amountMicros })),
    ),
  );
  const booked = outcomes.filter(({ status }) => status === 'fulfilled').length;
  expect(booked).toBeGreaterThan(0);
  expect(await world.count('adjustments')).toBe(before + booked);
  const numbers = (await listAdjustments(world.db)).map((one) => one.booking);
  expect(new Set(numbers).size).toBe(numbers.length);
});

it('rates of counts are over all currencies, rates of money within one', async () => {
  const writer = await world.writer();
  const id = idAt(START_MS, 7);
  const dimensions = ['c-mixed', 'cr', 'p'] as const;
  await writer.commit([
    event({ id, type: 'impression', atMs: 1, dimensions, amount: 2_000n }),
    event({ id, type: 'click', n: 1, atMs: 2, dimensions, amount: 500n }),
    event({ id, type: 'conversion', n: 1, atMs: 3, dimensions, amount: 9n, currency: 'USD' }),
  ]);
  await world.settle(START_MS + 60_000);
  await world.takeBases();
  for (const view of ['report_campaign_daily', 'report_creative_daily', 'report_placement_daily']) {
    const { rows } = await sql<object>`
      SELECT currency, round(ctr, 3) AS ctr, round(cvr, 3) AS cvr, round(cpm_micros) AS cpm, round(cpc_micros) AS cpc,
             value_micros AS value
      FROM ${sql.table(view)} WHERE campaign_id = 'c-mixed' ORDER BY currency`.execute(world.db);
    expect(rows).toEqual([
      { currency: 'EUR', ctr: '1.000', cvr: '1.000', cpm: '2500000', cpc: '2500', value: '0' },
      { currency: 'USD', ctr: '1.000', cvr: '1.000', cpm: null, cpc: null, value: '9' },
    ]);
  }
});

import type { Buffer } from 'node:buffer';
import { ensureDayPartitions, eventDay } from '@adtally/db';
import { uuidBytes, uuidText } from '@adtally/event-schema';
import { eventKeyOf } from '@adtally/key-derivation';
import { proxyFor, signal, waitFor } from '@adtally/testkit';
import { describe, expect, it } from 'vitest';
import { useBench } from './support/bench.ts';
import { EVERYTHING_NEW } from './support/predictions.ts';
import { BORN_MS } from './support/records.ts';
import type { TestLog } from './support/test-log.ts';
import type { TestWriter } from './support/test-writer.ts';

const bench = useBench();

const DAY_MS = 86_400_000;
const SHORT_BUDGET = { lockTimeoutMs: 60, transientAttempts: 2, transientBudgetMs: 0 };

const transientErrors = (writer: TestWriter): Promise<number> =>
  writer.counter('adtally_database_errors_total', { class: 'transient' });

async function codes(log: TestLog): Promise<{ at: number; code: string }[]> {
  return bench.control.query<{ at: number; code: string }>(
    `SELECT source_offset::int AS at, code FROM dead_letter_refs
     WHERE source_id = ANY ($1::int[]) ORDER BY 1`,
    [log.sourceIds],
  );
}

/** An open transaction that has inserted impressions of this log, with another payload than ours. */
async function holdKeys(log: TestLog, numbers: readonly number[]) {
  const stranger = await bench.session();
  await stranger.query('BEGIN');
  for (const n of numbers) {
    const id = log.impressionId(n);
    const key = eventKeyOf('impression', uuidBytes(id) as Buffer, null);
    await stranger.query(
      `INSERT INTO events (occurred_at, amount_micros, source_offset, source_id, event_type,
         impression_id, event_key, currency, campaign_id, creative_id, placement_id)
       VALUES (now(), 1, 0, 0, 'impression', $1::uuid, $2::uuid, 'EUR', 'stranger', 'r', 'p')`,
      [id, uuidText(key)],
    );
  }
  return stranger;
}

describe.each([
  ['by COPY', { dedup: EVERYTHING_NEW }],
  ['by INSERT', {}],
])('rows locked by a stranger, written %s', (_how, how) => {
  it('waits while the budget lasts, and counts them once when they are free', async () => {
    const log = await bench.log();
    log.append(0, log.manyShown(40));
    const writer = bench.writer(log, { ...how, lockTimeoutMs: 60 });
    await writer.claim(0);
    const stranger = await holdKeys(log, [17]);
    const writing = writer.drain();
    await waitFor(async () => (await transientErrors(writer)) >= 3, { what: 'three refusals' });
    expect(await bench.totals(log)).toMatchObject({ consumed: 0 });
    await stranger.query('ROLLBACK');
    await writing;
    expect(await bench.totals(log)).toMatchObject({ stored: 40, dead_lettered: 0 });
    expect(await codes(log)).toEqual([]);
    await bench.expectSound();
  });

  it('a stranger who commits the key makes ours a conflict, not a second row', async () => {
    const log = await bench.log();
    log.append(0, log.manyShown(3));
    const writer = bench.writer(log, { ...how, lockTimeoutMs: 60 });
    await writer.claim(0);
    const stranger = await holdKeys(log, [1]);
    const writing = writer.drain();
    await waitFor(async () => (await transientErrors(writer)) >= 1, { what: 'a refusal' });
    await stranger.query('COMMIT');
    await writing;
    expect(await bench.totals(log)).toMatchObject({ stored: 2, conflict: 1 });
    // The stranger's row has no ledger: the audit must not see it any more.
    await bench.control.query(`DELETE FROM events WHERE campaign_id = 'stranger'`);
    await bench.expectSound();
  });
});

it('I6: past the budget only the locked rows become transient, their siblings are stored', async () => {
  const log = await bench.log();
  log.append(0, log.manyShown(60));
  const writer = bench.writer(log, { ...SHORT_BUDGET, dlqTopic: await bench.topic() });
  await writer.claim(0);
  await holdKeys(log, [13, 44]);
  await writer.drain();
  expect(await transientErrors(writer)).toBeGreaterThanOrEqual(2);
  expect(await codes(log)).toEqual([
    { at: 13, code: 'transient_downstream' },
    { at: 44, code: 'transient_downstream' },
  ]);
  expect(await bench.totals(log)).toMatchObject({ stored: 58, dead_lettered: 2 });
  await bench.expectSound();
});

it('I13: a locked row and a refused row in one batch do not hide each other', async () => {
  const log = await bench.log();
  log.append(0, log.manyShown(30));
  log.append(0, [log.shown(30, { campaign: 'poison' })]);
  const writer = bench.writer(log, { ...SHORT_BUDGET, dlqTopic: await bench.topic() });
  await writer.claim(0);
  await bench.control.query(
    `ALTER TABLE events ADD CONSTRAINT no_poison CHECK (campaign_id <> 'poison')`,
  );
  const stranger = await holdKeys(log, [5]);
  await writer.drain();
  await stranger.query('ROLLBACK');
  await bench.control.query('ALTER TABLE events DROP CONSTRAINT no_poison');
  expect(await codes(log)).toEqual([
    { at: 5, code: 'transient_downstream' },
    { at: 30, code: 'data_refused' },
  ]);
  expect(await bench.totals(log)).toMatchObject({ consumed: 31, stored: 29 });
});

it('while the whole table is locked nothing is dead-lettered; the batch waits and then commits', async () => {
  await using proxy = await proxyFor(bench.url);
  const log = await bench.log();
  log.append(0, log.manyShown(16));
  const writer = bench.writer(log, {
    ...SHORT_BUDGET,
    lockTimeoutMs: 20,
    databaseUrl: proxy.urlFor(bench.url),
  });
  await writer.claim(0);
  const stranger = await bench.session();
  await stranger.query('BEGIN; LOCK TABLE events IN SHARE MODE');
  // Two tries, then the bisect: 16, 8, 4, 2 rows, and two single ones; the next finds the table free.
  const isBlamed = signal();
  let transactions = 0;
  proxy.onClientData((chunk) => {
    if (chunk.includes('BEGIN ISOLATION')) transactions += 1;
    if (transactions > 2 + 6) isBlamed.fire();
    return 'forward';
  });
  const writing = writer.drain();
  await isBlamed.fired;
  expect(await transientErrors(writer)).toBeGreaterThanOrEqual(2);
  await stranger.query('ROLLBACK');
  await writing;
  expect(await codes(log)).toEqual([]);
  expect(await bench.totals(log)).toMatchObject({ consumed: 16, stored: 16, dead_lettered: 0 });
  await bench.expectSound();
});

it('I8: rows of a day that is just being attached wait for it, and are stored there', async () => {
  const log = await bench.log();
  const day = eventDay(BORN_MS + 500 * DAY_MS);
  log.append(
    0,
    [1, 2, 3].map((n) => ({
      ...log.shown(n, { bornMs: n === 3 ? BORN_MS : day.startMs + n }),
      timestamp: day.endMs,
    })),
  );
  const writer = bench.writer(log, { dedup: EVERYTHING_NEW });
  await writer.claim(0);
  await bench.control.query(
    `CREATE TABLE ${day.table} (LIKE events INCLUDING ALL);
     ALTER TABLE events_default ADD CONSTRAINT events_default_excludes_${day.label}
       CHECK (impression_id < '${day.fromId}' OR impression_id >= '${day.toId}') NOT VALID`,
  );
  const writing = writer.drain();
  await waitFor(async () => (await transientErrors(writer)) >= 2, { what: 'two refusals' });
  await bench.control.query(
    `ALTER TABLE events ATTACH PARTITION ${day.table} FOR VALUES FROM ('${day.fromId}') TO ('${day.toId}');
     ALTER TABLE events_default DROP CONSTRAINT events_default_excludes_${day.label}`,
  );
  await writing;
  expect(await bench.control.query(`SELECT 1 FROM ${day.table}`)).toHaveLength(2);
  expect(await bench.totals(log)).toMatchObject({ stored: 3, dead_lettered: 0 });
  await bench.expectSound();
});

it('I8: days attached while batches are written cost nothing: no dead letter, exact totals', async () => {
  const log = await bench.log(2);
  const days = 6;
  const writer = bench.writer(log, { dedup: EVERYTHING_NEW, lockTimeoutMs: 1_000 });
  await writer.claim(0, 1);
  const firstDayMs = BORN_MS + 1_000 * DAY_MS;
  const making = { isDone: false };
  let batches = 0;
  let batchesMeanwhile = 0;
  const made = ensureDayPartitions(bench.db, {
    now: firstDayMs + (days - 3) * DAY_MS,
    daysBehind: days - 3,
    hoursAhead: 48,
  }).finally(() => {
    making.isDone = true;
  });
  let n = 0;
  while (!making.isDone || batches < days * 4) {
    const newestDay = Math.min(days - 1, Math.floor(batches / 4));
    for (const partition of [0, 1]) {
      const messages = Array.from({ length: 60 }, () => {
        n += 1;
        // Each fifth is a copy of an earlier one.
        const number = n % 5 === 0 ? n - 4 : n;
        return log.shown(number, { bornMs: firstDayMs + (number % (newestDay + 1)) * DAY_MS });
      });
      log.append(
        partition,
        messages.map((message) => ({ ...message, timestamp: firstDayMs + days * DAY_MS })),
      );
    }
    await writer.drain();
    batches += 1;
    if (!making.isDone) batchesMeanwhile += 1;
  }
  const result = await made;
  expect(batchesMeanwhile).toBeGreaterThan(0);
  expect(result.created).not.toEqual([]);
  expect([...result.created, ...result.postponed]).toHaveLength(days);
  const copies = Math.floor(n / 5);
  expect(await bench.totals(log)).toEqual({
    consumed: n,
    stored: n - copies,
    duplicate: copies,
    conflict: 0,
    dead_lettered: 0,
  });
  expect(await codes(log)).toEqual([]);
  await bench.expectSound();
});

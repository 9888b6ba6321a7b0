import { sql } from 'kysely';
import { expect, test, vi } from 'vitest';
import { auditDatabase } from '../../src/audit/audit.ts';
import { auditSince } from '../../src/audit/since.ts';
import type { Database } from '../../src/database.ts';
import { eventDay } from '../../src/event-days.ts';
import type { DayArchive, RetiredDay } from '../../src/retention/day-archive.ts';
import { dropDays, horizonFor } from '../../src/retention/drop-days.ts';
import { retiredCounts, waitingDays } from '../../src/retention/retired-days.ts';
import { readWriteGuards } from '../../src/write-guards.ts';
import { fingerprintOf, idAt } from '../event-rows.ts';
import { CountingWriter, strayAt } from './counting-writer.ts';
import { DAY_MS, NOW, options, TODAY, world } from './days-of-two-topics.ts';

// Some hundred transactions a test, on a machine that may be busy with others.
vi.setConfig({ testTimeout: 240_000 });

async function expectExact(db: Database): Promise<void> {
  const { checks, balanced } = await auditDatabase(db);
  expect(checks.filter(({ ok }) => !ok)).toEqual([]);
  expect(balanced).toBe(true);
  expect((await auditSince(db, new Date(0))).balanced).toBe(true);
}

async function idsIn(db: Database, table = 'events'): Promise<string[]> {
  const rows = await db
    .selectFrom(sql<{ impression_id: string }>`${sql.table(table)}`.as('e'))
    .select('e.impression_id')
    .execute();
  return rows.map(({ impression_id }) => impression_id).toSorted();
}

/** What is to be left of what was stored: all but UUIDv7 of before the horizon. */
function leftOf(writers: readonly CountingWriter[], horizonMs: number): string[] {
  return writers
    .flatMap(({ stored }) => [...stored])
    .filter((id) => id[14] !== '7' || id >= eventDay(horizonMs).fromId)
    .toSorted();
}

test('days below the horizon leave, with and without a partition; ids without a time stay; the audit is exact', async () => {
  await using the = await world();
  const { db, one, two } = the;
  await expectExact(db);
  const result = await dropDays(db, options());
  const horizonMs = horizonFor(NOW, 8);
  expect(horizonMs).toBe(TODAY - 8 * DAY_MS);
  expect(result).toMatchObject({ led: true, horizonMs, waiting: [] });
  expect(result.dropped.map(({ day, rows }) => [day.startMs, rows])).toEqual(
    Array.from({ length: 7 }, (_, index) => [TODAY + (index - 15) * DAY_MS, 4n]),
  );
  expect(await idsIn(db)).toEqual(leftOf([one, two], horizonMs));
  const { rows: tables } = await sql<{ oldest: string }>`
    SELECT min(relname)::text AS oldest FROM pg_class WHERE relname ~ '^events_[0-9]{8}$'`.execute(
    db,
  );
  expect(tables[0]?.oldest).toBe(eventDay(horizonMs).table);
  await expectExact(db);

  // What left is told by source, for good.
  const dropped = eventDay(TODAY - 9 * DAY_MS);
  const gone = [idAt(dropped.startMs, 0), idAt(dropped.endMs - 1, 0)];
  expect(await retiredCounts(db, dropped)).toEqual([
    {
      sourceId: one.sourceId,
      rows: 2n,
      fingerprint: gone.reduce((xor, id) => xor ^ fingerprintOf(id), 0n),
      firstOffset: 24n,
      endOffset: 26n,
    },
    expect.objectContaining({ sourceId: two.sourceId, rows: 2n }),
  ]);
  const { rows: purged } = await sql<{ purged: number }>`
    SELECT sum(purged)::int AS purged FROM ledger`.execute(db);
  expect(purged[0]?.purged).toBe(28);

  // Nothing is left to do, and a later day only adds to it.
  expect((await dropDays(db, options())).dropped).toEqual([]);
  expect((await dropDays(db, options({ nowMs: NOW + DAY_MS }))).dropped).toHaveLength(1);
  await expectExact(db);
});

test('I5: a copy of what left is expired and never stored; one of an id without a time is a duplicate', async () => {
  await using the = await world();
  const { db, one, two } = the;
  await dropDays(db, options());
  const before = await idsIn(db);
  await two.commit([...one.stored, ...two.stored]);
  expect(await idsIn(db)).toEqual(before);
  expect(two.expired.size).toBe(28);
  await expectExact(db);
});

test('the horizon never falls: a longer retention later on brings nothing back and drops nothing more', async () => {
  await using the = await world();
  await dropDays(the.db, options());
  const result = await dropDays(the.db, options({ retentionDays: 30 }));
  expect(result).toMatchObject({ horizonMs: TODAY - 8 * DAY_MS, dropped: [] });
});

test('an id without a time that comes after its day was counted is kept, too', async () => {
  await using the = await world();
  const { db, one } = the;
  const day = eventDay(TODAY - 9 * DAY_MS);
  const stray = strayAt(day.startMs + 5_000);
  const archive: DayArchive = {
    async keep(retired) {
      if (retired.day.label === day.label) await one.commit([stray]);
    },
  };
  await dropDays(db, options({ archive }));
  expect(await idsIn(db, 'events_default')).toContain(stray);
  await expectExact(db);
});

test('rows written below the horizon by who does not ask are not lost: the day is counted again', async () => {
  await using the = await world();
  const { db, one } = the;
  const day = eventDay(TODAY - 9 * DAY_MS);
  const asked: bigint[] = [];
  const archive: DayArchive = {
    async keep(retired) {
      if (retired.day.label !== day.label) return;
      asked.push(retired.counts.reduce((sum, { rows }) => sum + rows, 0n));
      if (asked.length > 1) return;
      await sql`UPDATE write_guards SET horizon_ms = 0`.execute(db);
      await one.commit([idAt(day.startMs + 7, 9)]);
      await sql`UPDATE write_guards SET horizon_ms = ${TODAY - 8 * DAY_MS}`.execute(db);
    },
  };
  const first = await dropDays(db, options({ archive }));
  expect(first.waiting).toEqual([
    {
      day,
      wait: { for: 'failure', detail: expect.stringContaining('came after it was counted') },
    },
  ]);
  await expectExact(db);
  expect((await dropDays(db, options({ archive }))).dropped).toEqual([{ day, rows: 5n }]);
  expect(asked).toEqual([4n, 5n]);
  await expectExact(db);
});

test('who has no archive drops no day where days before went to one, unless it is given up', async () => {
  await using the = await world();
  const { db } = the;
  const archive: DayArchive = { keep: async () => undefined };
  expect((await dropDays(db, options({ archive, retentionDays: 9 }))).dropped).not.toEqual([]);
  const without = await dropDays(db, options());
  expect(without.dropped).toEqual([]);
  expect(without.waiting).toEqual([
    expect.objectContaining({
      wait: { for: 'archive', detail: expect.stringContaining('set ARCHIVE_URL') },
    }),
  ]);
  expect((await dropDays(db, options({ givesUpArchive: true }))).dropped).toHaveLength(1);
  // Since then nobody expects one.
  expect((await dropDays(db, options({ retentionDays: 7 }))).dropped).toHaveLength(1);
});

test('a day that its archive does not keep stays, says so, and holds up no other', async () => {
  await using the = await world();
  const { db } = the;
  const day = eventDay(TODAY - 10 * DAY_MS);
  const kept: RetiredDay[] = [];
  let isFull = true;
  const archive: DayArchive = {
    async keep(retired) {
      if (isFull && retired.day.label === day.label) throw new Error('no space left');
      kept.push(retired);
    },
  };
  const result = await dropDays(db, options({ archive }));
  const wait = { for: 'archive', detail: 'no space left' };
  expect(result.waiting).toEqual([{ day, wait }]);
  expect(result.dropped).toHaveLength(6);
  expect(await waitingDays(db)).toMatchObject([{ day, isCounted: true, isArchived: false, wait }]);
  await expectExact(db);
  isFull = false;
  expect((await dropDays(db, options({ archive }))).dropped).toEqual([{ day, rows: 4n }]);
  expect(await waitingDays(db)).toEqual([]);
  expect(kept).toHaveLength(7);
  expect(kept.at(-1)?.counts).toEqual(await retiredCounts(db, day));
});

test('a day waits for whoever reads the events for long, and writers wait for neither', async () => {
  await using the = await world();
  const { db, one } = the;
  await db
    .transaction()
    .setIsolationLevel('repeatable read')
    .execute(async (reader) => {
      await sql`LOCK TABLE events IN ACCESS SHARE MODE`.execute(reader);
      const before = await sql<{ n: number }>`SELECT count(*)::int AS n FROM events`.execute(
        reader,
      );
      const short = { attempts: 2, lockTimeoutMs: 50 };
      const result = await dropDays(db, options(short));
      // Those without a partition are rows of the default one: they need no lock that a reader holds.
      expect(result.dropped).toHaveLength(3);
      expect(result.waiting.map(({ wait }) => wait.for)).toEqual(
        Array.from({ length: 4 }, () => 'locks'),
      );
      await one.commit([idAt(TODAY + 5, 5)]);
      const after = await sql<{ n: number }>`SELECT count(*)::int AS n FROM events`.execute(reader);
      expect(after.rows).toEqual(before.rows);
    });
  expect((await dropDays(db, options())).dropped).toHaveLength(4);
  await expectExact(db);
});

test('a batch in flight while the horizon rises is held against it: nothing of a dropped day is stored', async () => {
  await using the = await world();
  const { db, one } = the;
  const late = idAt(TODAY - 9 * DAY_MS + 9, 9);
  let tries = 0;
  await one.commit([late, idAt(TODAY + 9, 9)], async () => {
    tries += 1;
    if (tries > 1) return;
    // Its row is written and not committed: the day cannot be watched before that is over.
    const result = await dropDays(db, options({ attempts: 1, lockTimeoutMs: 50 }));
    expect(result.waiting.some(({ wait }) => wait.for === 'locks')).toBe(true);
  });
  expect(tries).toBe(2);
  expect([...one.expired]).toEqual([late]);
  await dropDays(db, options());
  await expectExact(db);
  expect((await readWriteGuards(db)).horizonMs).toBe(TODAY - 8 * DAY_MS);
});

import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { rowsSince } from '../../src/audit/rows-since.ts';
import { auditSince } from '../../src/audit/since.ts';
import type { Database } from '../../src/database.ts';
import { migratedDatabase } from '../../testing/migrated-database.ts';
import { type CountedDatabase, countedDatabase, DAY_START_MS } from '../counted-database.ts';
import { keyOf } from '../event-rows.ts';
import { tamper } from './tampering.ts';

const DAY_MS = 86_400_000;
/** The events are of three days; from its second on they are young to an audit since... */
const TIMES: readonly [ids: string, since: Date][] = [
  ['all of them young', new Date(DAY_START_MS + DAY_MS)],
  ['some of them old', new Date(DAY_START_MS + 2 * DAY_MS)],
  ['all of them old', new Date(DAY_START_MS + 30 * DAY_MS)],
];

/** Two batches a source are of an hour before `since`, two of an hour after it. */
async function countedAround(db: Database, since: Date): Promise<CountedDatabase> {
  const counted = await countedDatabase(db);
  await tamper(
    db,
    `UPDATE ledger SET committed_at = '${since.toISOString()}'::timestamptz
       + CASE WHEN end_offset % 1000 <= 20 THEN interval '-1 hour' ELSE interval '1 hour' END`,
  );
  return counted;
}

async function caughtSince(db: Database, since: Date): Promise<unknown> {
  const report = await auditSince(db, since);
  const failed = report.checks.filter(({ ok }) => !ok);
  expect(report.balanced).toBe(failed.length === 0);
  return Object.fromEntries(
    failed.map(({ id, offending: [first] }) => [
      id,
      [first?.source, first?.firstOffset, first?.endOffset],
    ]),
  );
}

const TAMPERINGS: readonly [string, (counted: CountedDatabase) => string, unknown][] = [
  [
    'a row was deleted',
    ({ first }) => `DELETE FROM events WHERE source_id = ${first} AND source_offset = 33`,
    { I4: [1, 30, 40] },
  ],
  [
    'a row was added',
    ({
      second,
    }) => `INSERT INTO events SELECT occurred_at, amount_micros, 1027, source_id, event_type, impression_id,
        '${keyOf(77)}', click_id, currency, campaign_id, creative_id, placement_id, conversion_id
      FROM events WHERE source_id = ${second} AND source_offset = 1020`,
    { I4: [2, 1020, 1030] },
  ],
  [
    'a key is another, its row kept',
    ({ first }) =>
      `UPDATE events SET event_key = '${keyOf(5)}' WHERE source_id = ${first} AND source_offset = 21`,
    { I4: [1, 20, 30] },
  ],
  [
    'a ledger row is missing between those before and after',
    ({ first }) => `DELETE FROM ledger WHERE source_id = ${first} AND first_offset = 20`,
    { I1: [1, 20, 40] },
  ],
  [
    'a conflict has lost its bytes',
    ({ second }) => `DELETE FROM conflicts WHERE source_id = ${second} AND source_offset = 1028`,
    { conflicts: [2, 1020, 1030] },
  ],
  [
    'a cursor stands elsewhere',
    ({ second }) => `UPDATE cursors SET next_offset = 1050 WHERE source_id = ${second}`,
    { I3: [2, 1040, 1050] },
  ],
];

test.each(TIMES)('it balances, and what is wrong is found, %s', async (_ids, since) => {
  for (const [what, statement, found] of TAMPERINGS) {
    await using database = await migratedDatabase();
    const { db } = database;
    const counted = await countedAround(db, since);
    expect(await caughtSince(db, since)).toEqual({});
    await tamper(db, statement(counted));
    expect([what, await caughtSince(db, since)]).toEqual([what, found]);
  }
});

test('what was counted before is not looked at, and a source without anything new balances', async () => {
  await using database = await migratedDatabase();
  const { db } = database;
  const since = new Date(DAY_START_MS + 2 * DAY_MS);
  const { first } = await countedAround(db, since);
  await tamper(db, `DELETE FROM events WHERE source_id = ${first} AND source_offset = 3`);
  expect(await caughtSince(db, since)).toEqual({});
  expect(await caughtSince(db, new Date(since.getTime() - DAY_MS))).toEqual({ I4: [1, 0, 10] });
  expect(await caughtSince(db, new Date(since.getTime() + DAY_MS))).toEqual({});
});

test('where every range has its rows in young days, no old day is read', async () => {
  await using database = await migratedDatabase();
  const { db } = database;
  const since = new Date(DAY_START_MS + DAY_MS);
  const { first } = await countedAround(db, since);
  const scans = async () => {
    const { rows } = await sql<Record<string, string>>`
      EXPLAIN (ANALYZE, COSTS off, TIMING off) ${sql.raw(rowsSince(since).statement)}`.execute(db);
    return rows
      .flatMap((row) => Object.values(row))
      .filter((line) => / on events_\w+ r/.test(line))
      .map((line) => (line.includes('never executed') ? 'not read' : 'read'));
  };
  const young = await scans();
  expect(young).toContain('read');
  expect(young).toContain('not read');
  await tamper(db, `DELETE FROM events WHERE source_id = ${first} AND source_offset = 33`);
  expect((await scans()).filter((one) => one === 'read').length).toBeGreaterThan(
    young.filter((one) => one === 'read').length,
  );
});

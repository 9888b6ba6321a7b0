import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { auditRecent } from '../../src/audit/recent.ts';
import { auditResults, recordAudit } from '../../src/audit/results.ts';
import type { Database } from '../../src/database.ts';
import { migratedDatabase } from '../../testing/migrated-database.ts';
import { type CountedDatabase, countedDatabase } from '../counted-database.ts';
import { tamper } from './tampering.ts';

/** The checks that fail, each with the source and offsets it names first. */
async function caughtRecently(db: Database): Promise<unknown> {
  const failed = (await auditRecent(db)).filter(({ ok }) => !ok);
  return Object.fromEntries(
    failed.map(({ id, offending: [first] }) => [
      id,
      [first?.source, first?.firstOffset, first?.endOffset],
    ]),
  );
}

const tamperings: [string, (counted: CountedDatabase) => string, unknown][] = [
  [
    'a ledger row is missing',
    ({ first }) => `DELETE FROM ledger WHERE source_id = ${first} AND first_offset = 20`,
    { I1: [1, 20, 40] },
  ],
  [
    'a count was changed',
    ({ first }) =>
      `UPDATE ledger SET stored = stored + 1 WHERE source_id = ${first} AND first_offset = 30`,
    { I2: [1, 30, 40] },
  ],
  [
    'a cursor stands elsewhere',
    ({ second }) => `UPDATE cursors SET next_offset = 1050 WHERE source_id = ${second}`,
    { I3: [2, 1040, 1050] },
  ],
  [
    'a reference is missing',
    ({ second }) =>
      `DELETE FROM dead_letter_refs WHERE source_id = ${second} AND source_offset = 1039`,
    { 'dead-letter-refs': [2, 1030, 1040] },
  ],
];

test.each(tamperings)(
  'the audit of the newest rows sees it when %s',
  async (_what, statement, found) => {
    await using database = await migratedDatabase();
    const { db } = database;
    const counted = await countedDatabase(db);
    expect(await caughtRecently(db)).toEqual({});
    await sql`ALTER TABLE ledger DROP CONSTRAINT ledger_balances`.execute(db);
    await tamper(db, statement(counted));
    expect(await caughtRecently(db)).toEqual(found);
  },
);

test('of a source without end only the newest rows are read', async () => {
  await using database = await migratedDatabase();
  const { db } = database;
  const { first } = await countedDatabase(db);
  await sql`INSERT INTO ledger (source_id, first_offset, end_offset, epoch, gap)
    SELECT ${first}::int, 40 + n, 41 + n, 1, 1 FROM generate_series(0, 299) n`.execute(db);
  await sql`UPDATE cursors SET next_offset = 340 WHERE source_id = ${first}`.execute(db);
  expect(await caughtRecently(db)).toEqual({});
  await tamper(db, `DELETE FROM ledger WHERE source_id = ${first} AND first_offset = 20`);
  // That far back is the full audit's.
  expect(await caughtRecently(db)).toEqual({});
});

test('what checks said is kept by scope, and what was not asked again stays', async () => {
  await using database = await migratedDatabase();
  const { db } = database;
  const check = (id: string, ok: boolean) => ({
    id,
    name: `${id} holds`,
    ok,
    offending: ok ? [] : [{ source: 4, detail: 'wrong', firstOffset: 7, endOffset: 9 }],
    more: false,
  });
  await recordAudit(db, 'full', [check('I1', false), check('I2', true)], 'ann');
  await recordAudit(db, 'recent', [check('I1', true)], 'the leader');
  await recordAudit(db, 'full', [check('I2', false)], 'bob');
  expect(await auditResults(db)).toMatchObject([
    { scope: 'full', checkId: 'I1', offence: 'source 4 [7, 9) wrong', checkedBy: 'ann' },
    { scope: 'full', checkId: 'I2', offence: 'source 4 [7, 9) wrong', checkedBy: 'bob' },
    { scope: 'recent', checkId: 'I1', offence: null },
  ]);
});

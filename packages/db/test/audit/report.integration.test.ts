import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { AUDIT_CHECKS, auditDatabase } from '../../src/audit/audit.ts';
import { jsonInteger } from '../../src/audit/json-integer.ts';
import { migratedDatabase } from '../../testing/migrated-database.ts';
import { countedDatabase } from '../counted-database.ts';
import { caught, tamper } from './tampering.ts';

test('a healthy database balances, with totals by outcome and code and a line for each source', async () => {
  await using database = await migratedDatabase();
  const { db } = database;
  await countedDatabase(db);
  const report = await auditDatabase(db);
  expect(report.checks.map((check) => [check.id, check.ok])).toEqual(
    [
      'I1',
      'I2',
      'I3',
      'I4',
      'I5',
      'conflicts',
      'dead-letter-refs',
      'dispositions',
      'letters-copied',
      'I6',
      'replays',
    ].map((id) => [id, true]),
  );
  expect(report).toMatchObject({
    balanced: true,
    totals: {
      consumed: 80,
      stored: 48,
      duplicate: 16,
      conflict: 8,
      dead_lettered: 8,
      gap: 0,
      lost: 0,
      by_code: { empty: 8 },
    },
    sources: [
      { partition: 0, genesis: 0, next_offset: 40, consumed: 40 },
      { partition: 1, genesis: 1000, next_offset: 1040, stored: 24 },
    ],
  });
  expect(JSON.parse(JSON.stringify(report))).toEqual(report);
});

test('an empty database balances', async () => {
  await using database = await migratedDatabase();
  expect(await auditDatabase(database.db)).toMatchObject({ balanced: true, sources: [] });
});

test('a report names ten offences of a check and says that there are more', async () => {
  await using database = await migratedDatabase();
  const { db } = database;
  await countedDatabase(db);
  await tamper(db, 'UPDATE events SET source_offset = source_offset - 5000');
  const rows = (await auditDatabase(db)).checks.find((check) => check.id === 'I4');
  expect(rows).toMatchObject({ ok: false, more: false });
  await tamper(db, 'UPDATE dead_letter_refs SET source_offset = 8 + source_offset / 10 * 10');
  await tamper(db, 'UPDATE conflicts SET source_offset = 8 + source_offset / 10 * 10');
  await tamper(db, 'UPDATE events SET source_offset = source_offset + 5000');
  await tamper(db, 'UPDATE events SET source_offset = 1 + source_offset / 2 * 2');
  const twice = (await auditDatabase(db)).checks.find((check) => check.id === 'dispositions');
  expect(twice?.offending).toHaveLength(10);
  expect(twice?.more).toBe(true);
});

test('the audit reads one snapshot: a commit during it changes nothing in the report', async () => {
  await using database = await migratedDatabase();
  const { db } = database;
  await countedDatabase(db);
  const report = await auditDatabase(db, {
    onCheck: async ({ id }) => {
      if (id !== AUDIT_CHECKS[0]?.id) return;
      await tamper(db, 'DELETE FROM events', 'DELETE FROM dead_letter_refs');
    },
  });
  expect(report.balanced).toBe(true);
  expect(Object.keys(await caught(db))).toEqual(['I4', 'dead-letter-refs']);
});

test('a day cannot be dropped under a running audit', async () => {
  await using database = await migratedDatabase();
  const { db } = database;
  await countedDatabase(db);
  const refused: unknown[] = [];
  await auditDatabase(db, {
    onCheck: async () => {
      if (refused.length > 0) return;
      const dropping = db.transaction().execute(async (trx) => {
        await sql`SET LOCAL lock_timeout = 20`.execute(trx);
        await sql`DROP TABLE events_20260131`.execute(trx);
      });
      await dropping.catch((error: { code: string }) => refused.push(error.code));
    },
  });
  expect(refused).toEqual(['55P03']);
});

test('integers past 2^53 are strings in JSON, others numbers', () => {
  expect([9007199254740991n, 9007199254740992n, -1n].map(jsonInteger)).toEqual([
    9007199254740991,
    '9007199254740992',
    -1,
  ]);
});

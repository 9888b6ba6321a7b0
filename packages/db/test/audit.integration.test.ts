import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { AUDIT_CHECKS, auditDatabase, type AuditOffence } from '../src/audit/audit.ts';
import { jsonInteger } from '../src/audit/json-integer.ts';
import type { Database } from '../src/database.ts';
import { acceptLoss } from '../src/sources.ts';
import { type CountedDatabase, countedDatabase, DAY_START_MS } from './counted-database.ts';
import { migratedDatabase } from '../src/testing/migrated-database.ts';
import { fingerprintOf, idAt, keyOf } from './event-rows.ts';

/** Runs statements with triggers and foreign keys off: what no writer can do, a person or a bug may. */
async function tamper(db: Database, ...statements: string[]): Promise<void> {
  await db.transaction().execute(async (trx) => {
    await sql`SET LOCAL session_replication_role = replica`.execute(trx);
    for (const statement of statements) await sql.raw(statement).execute(trx);
  });
}

/** The ids of the checks that fail, each with what it names. */
async function caught(db: Database): Promise<Record<string, readonly AuditOffence[]>> {
  const report = await auditDatabase(db);
  expect(report.balanced).toBe(report.checks.every((check) => check.ok));
  return Object.fromEntries(
    report.checks.filter((check) => !check.ok).map((check) => [check.id, check.offending]),
  );
}

interface Tampering {
  readonly what: string;
  readonly statements: (counted: CountedDatabase) => string[];
  /** Every check that fails, and no other: the first offence it names. */
  readonly expected: (counted: CountedDatabase) => Record<string, Partial<AuditOffence>>;
}

const drop = (constraint: string): string => `ALTER TABLE ledger DROP CONSTRAINT ${constraint}`;

const tamperings: Tampering[] = [
  {
    what: 'a row deleted',
    statements: ({ first }) => [
      `DELETE FROM events WHERE source_id = ${first} AND source_offset = 13`,
    ],
    expected: ({ first }) => ({
      I4: {
        source: first,
        firstOffset: 10,
        endOffset: 20,
        detail: 'the ledger counted 6 rows, events has 5',
      },
    }),
  },
  {
    what: 'a row nobody counted',
    statements: ({ second }) => [
      `INSERT INTO events SELECT occurred_at, amount_micros, 1027, source_id, event_type, impression_id,
         '${keyOf(77)}', click_id, currency, campaign_id, creative_id, placement_id, conversion_id
       FROM events WHERE source_id = ${second} AND source_offset = 1020`,
    ],
    expected: ({ second }) => ({
      I4: {
        source: second,
        firstOffset: 1020,
        endOffset: 1030,
        detail: 'the ledger counted 6 rows, events has 7',
      },
    }),
  },
  {
    what: 'a key changed to another, its row kept',
    statements: ({ second }) => [
      `UPDATE events SET event_key = '${keyOf(5)}' WHERE source_id = ${second} AND source_offset = 1001`,
    ],
    expected: ({ second }) => ({
      I4: {
        source: second,
        firstOffset: 1000,
        endOffset: 1010,
        detail: '6 rows, but not with the keys the ledger counted',
      },
    }),
  },
  {
    what: 'a key copied into another partition, in place of the key that was there',
    statements: ({ first }) => [
      `UPDATE events SET event_key = '${keyOf(first * 10_000)}'
       WHERE source_id = ${first} AND source_offset = 1`,
    ],
    expected: ({ first }) => ({
      I4: { source: first, firstOffset: 0, endOffset: 10 },
      I5: {
        source: first,
        firstOffset: 0,
        endOffset: 1,
        detail: `key ${keyOf(first * 10_000)} is stored 2 times; this copy is in events_20260131`,
      },
    }),
  },
  {
    what: 'a key stored twice across partitions with a ledger forged to match',
    statements: ({ first }) => {
      const forged =
        fingerprintOf(keyOf(first * 10_000)) ^ fingerprintOf(keyOf(first * 10_000 + 1));
      return [
        `UPDATE events SET event_key = '${keyOf(first * 10_000)}'
         WHERE source_id = ${first} AND source_offset = 1`,
        `UPDATE ledger SET stored_fingerprint = stored_fingerprint # (${forged})::bigint
         WHERE source_id = ${first} AND end_offset = 10`,
      ];
    },
    expected: ({ first }) => ({ I5: { source: first, firstOffset: 0, endOffset: 1 } }),
  },
  {
    what: 'an offset edited past the cursor',
    statements: ({ first }) => [
      `UPDATE events SET source_offset = 4000 WHERE source_id = ${first} AND source_offset = 35`,
    ],
    expected: ({ first }) => ({
      I4: {
        source: first,
        firstOffset: 30,
        endOffset: 40,
        detail: 'the ledger counted 6 rows, events has 5',
      },
    }),
  },
  {
    what: 'an offset edited to one before the genesis',
    statements: ({ second }) => [
      `UPDATE events SET source_offset = 999 WHERE source_id = ${second} AND source_offset = 1000`,
    ],
    expected: ({ second }) => ({
      I4: {
        source: second,
        firstOffset: 999,
        endOffset: 1000,
        detail: '1 rows lie in no ledger range',
      },
    }),
  },
  {
    what: 'an offset edited to another one of its range',
    statements: ({ first }) => [
      `UPDATE events SET source_offset = 2 WHERE source_id = ${first} AND source_offset = 3`,
    ],
    expected: ({ first }) => ({
      dispositions: {
        source: first,
        firstOffset: 2,
        endOffset: 3,
        detail: '2 events, 0 dead-letter references and 0 conflicts share this offset',
      },
    }),
  },
  {
    what: 'an event at the offset of a dead letter, and one at that of a conflict',
    statements: ({ first }) => [
      `UPDATE events SET source_offset = 9 WHERE source_id = ${first} AND source_offset = 3`,
      `UPDATE events SET source_offset = 18 WHERE source_id = ${first} AND source_offset = 13`,
    ],
    expected: ({ first }) => ({
      dispositions: {
        source: first,
        firstOffset: 9,
        endOffset: 10,
        detail: '1 events, 1 dead-letter references and 0 conflicts share this offset',
      },
    }),
  },
  {
    what: 'rows of a source that does not exist',
    statements: ({ first }) => [
      `UPDATE events SET source_id = 99 WHERE source_id = ${first} AND source_offset = 0`,
    ],
    expected: ({ first }) => ({ I4: { source: first, firstOffset: 0, endOffset: 10 } }),
  },
  {
    what: 'a ledger row dropped in the middle',
    statements: ({ first }) => [
      `DELETE FROM ledger WHERE source_id = ${first} AND end_offset = 20`,
    ],
    expected: ({ first }) => ({
      I1: {
        source: first,
        firstOffset: 10,
        endOffset: 20,
        detail: 'no ledger row covers these offsets',
      },
      I4: {
        source: first,
        firstOffset: 10,
        endOffset: 16,
        detail: '6 rows lie in no ledger range',
      },
      conflicts: { source: first, firstOffset: 18, endOffset: 19 },
      'dead-letter-refs': { source: first, firstOffset: 19, endOffset: 20 },
    }),
  },
  {
    what: 'the genesis row dropped',
    statements: ({ second }) => [
      `DELETE FROM ledger WHERE source_id = ${second} AND end_offset = 1000`,
    ],
    expected: ({ second }) => ({
      I1: {
        source: second,
        firstOffset: 1000,
        endOffset: 1010,
        detail: 'the first ledger row is no genesis row',
      },
    }),
  },
  {
    what: 'a fork: a second row over the same offsets',
    statements: ({ first }) => [
      `INSERT INTO ledger (source_id, first_offset, end_offset, epoch, gap) VALUES (${first}, 12, 15, 1, 3)`,
    ],
    expected: ({ first }) => ({
      I1: { source: first, firstOffset: 10, endOffset: 12 },
      I4: { source: first, firstOffset: 10, endOffset: 12 },
      conflicts: { source: first, firstOffset: 10, endOffset: 20 },
      'dead-letter-refs': { source: first, firstOffset: 10, endOffset: 20 },
    }),
  },
  {
    what: 'a second genesis row',
    statements: ({ first }) => [
      'DROP INDEX ledger_one_genesis',
      `INSERT INTO ledger (source_id, end_offset, epoch) VALUES (${first}, 15, 1)`,
    ],
    expected: ({ first }) => ({
      I1: { source: first, firstOffset: null, endOffset: 15, detail: 'a second genesis row' },
      I4: { source: first },
      conflicts: { source: first },
      'dead-letter-refs': { source: first },
    }),
  },
  {
    what: 'a ledger row that does not add up',
    statements: ({ first }) => [
      drop('ledger_balances'),
      `UPDATE ledger SET duplicate = 3 WHERE source_id = ${first} AND end_offset = 30`,
    ],
    expected: ({ first }) => ({
      I2: {
        source: first,
        firstOffset: 20,
        endOffset: 30,
        detail: 'consumed 10 is not stored 6 + duplicate 3 + conflict 1 + dead-lettered 1',
      },
    }),
  },
  {
    what: 'a ledger row that spans more than it counts',
    statements: ({ first }) => [
      drop('ledger_spans'),
      `UPDATE ledger SET lost = 2 WHERE source_id = ${first} AND end_offset = 30`,
    ],
    expected: ({ first }) => ({
      I2: { source: first, detail: '10 offsets are not consumed 10 + gap 0 + lost 2' },
    }),
  },
  {
    what: 'the cursor shifted forward',
    statements: ({ first }) => [`UPDATE cursors SET next_offset = 45 WHERE source_id = ${first}`],
    expected: ({ first }) => ({
      I3: {
        source: first,
        firstOffset: 40,
        endOffset: 45,
        detail: "the cursor stands at 45, past the ledger's end 40",
      },
    }),
  },
  {
    what: 'the cursor shifted back',
    statements: ({ second }) => [
      `UPDATE cursors SET next_offset = 1030 WHERE source_id = ${second}`,
    ],
    expected: ({ second }) => ({
      I3: {
        source: second,
        firstOffset: 1030,
        endOffset: 1040,
        detail: "the cursor stands at 1030, before the ledger's end 1040",
      },
    }),
  },
  {
    what: 'a cursor removed',
    statements: ({ second }) => [`DELETE FROM cursors WHERE source_id = ${second}`],
    expected: ({ second }) => ({ I3: { source: second, detail: 'the source has no cursor' } }),
  },
  {
    what: 'an epoch that falls along the offsets',
    statements: ({ first }) => [
      `UPDATE ledger SET epoch = 0 WHERE source_id = ${first} AND end_offset = 30`,
    ],
    expected: ({ first }) => ({
      I3: { source: first, firstOffset: 20, endOffset: 30, detail: 'epoch 0 follows epoch 1' },
    }),
  },
  {
    what: 'an epoch of the cursor older than the ledger',
    statements: ({ first }) => [`UPDATE cursors SET epoch = 0 WHERE source_id = ${first}`],
    expected: ({ first }) => ({
      I3: { source: first, detail: "the cursor's epoch 0 is older than the ledger's 1" },
    }),
  },
  {
    what: 'a forged fingerprint',
    statements: ({ second }) => [
      `UPDATE ledger SET stored_fingerprint = stored_fingerprint + 1
       WHERE source_id = ${second} AND end_offset = 1040`,
    ],
    expected: ({ second }) => ({ I4: { source: second, firstOffset: 1030, endOffset: 1040 } }),
  },
  {
    what: 'a replay that says it wrote what no ledger has',
    statements: ({ first }) => [
      `INSERT INTO replay_runs (topic, topic_id, actor, reason) VALUES ('t', 't', 'a', 'r')`,
      `INSERT INTO replay_progress (run_id, partition, source_id, events_source_id, first_offset, end_offset,
                                    next_offset, written)
       SELECT run_id, 0, ${first}, ${first}, 0, 5, 5, 5 FROM replay_runs`,
    ],
    expected: ({ first }) => ({ replays: { source: first } }),
  },
  {
    what: 'a reference removed',
    statements: ({ first }) => [
      `DELETE FROM dead_letter_refs WHERE source_id = ${first} AND source_offset = 29`,
    ],
    expected: ({ first }) => ({
      'dead-letter-refs': {
        source: first,
        firstOffset: 20,
        endOffset: 30,
        detail:
          'the ledger counted dead_lettered 1, dead_letter_refs or dead_letter_attempts has 0',
      },
    }),
  },
  {
    what: 'a conflict removed',
    statements: ({ second }) => [
      `DELETE FROM conflicts WHERE source_id = ${second} AND source_offset = 1018`,
    ],
    expected: ({ second }) => ({
      conflicts: { source: second, firstOffset: 1010, endOffset: 1020 },
    }),
  },
];

test.each(tamperings)('the audit catches $what, and nothing else is blamed', async (tampering) => {
  await using database = await migratedDatabase();
  const { db } = database;
  const counted = await countedDatabase(db);
  await tamper(db, ...tampering.statements(counted));
  const found = await caught(db);
  const expected = tampering.expected(counted);
  expect(Object.keys(found)).toEqual(Object.keys(expected));
  for (const [id, offence] of Object.entries(expected)) {
    expect({ id, ...found[id]?.[0] }).toMatchObject({ id, ...offence });
  }
});

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

test('I9: a loss that was accepted balances and shows', async () => {
  await using database = await migratedDatabase();
  const { db } = database;
  const { first } = await countedDatabase(db);
  await sql`UPDATE cursors SET halted_code = 'truncated', halted_resume_at = 50, halted_at = now()
    WHERE source_id = ${first}`.execute(db);
  await acceptLoss(db, { sourceId: first, actor: 'ops', reason: 'retention was too short' });
  expect(await auditDatabase(db)).toMatchObject({ balanced: true, totals: { lost: 10 } });
});

test('I4: rows that retention purged balance by count and fingerprint, and not by count alone', async () => {
  await using database = await migratedDatabase();
  const { db } = database;
  await countedDatabase(db);
  const purge = (fingerprint: string) =>
    sql
      .raw(
        `WITH gone AS (
           SELECT source_id, source_offset / 10 AS batch, count(*) AS n, bit_xor(${fingerprint}) AS xor
           FROM events WHERE impression_id < '${idAt(DAY_START_MS + 86_400_000, 0)}' GROUP BY 1, 2)
         UPDATE ledger l SET purged = gone.n, purged_fingerprint = gone.xor
         FROM gone WHERE l.source_id = gone.source_id AND l.first_offset / 10 = gone.batch`,
      )
      .execute(db);
  await purge(`('x' || encode(substr(uuid_send(event_key), 1, 8), 'hex'))::bit(64)::bigint`);
  expect(Object.keys(await caught(db))).toEqual(['I4']);
  await sql`DROP TABLE events_20260131`.execute(db);
  expect(await caught(db)).toEqual({});
  await sql`UPDATE ledger SET purged_fingerprint = 0`.execute(db);
  expect(Object.keys(await caught(db))).toEqual(['I4']);
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

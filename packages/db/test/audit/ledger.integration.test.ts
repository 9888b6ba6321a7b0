import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { auditDatabase } from '../../src/audit/audit.ts';
import { acceptLoss } from '../../src/sources.ts';
import { migratedDatabase } from '../../testing/migrated-database.ts';
import { countedDatabase } from '../counted-database.ts';
import { expectCaught, type Tampering } from './tampering.ts';

const drop = (constraint: string): string => `ALTER TABLE ledger DROP CONSTRAINT ${constraint}`;

const tamperings: Tampering[] = [
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
    what: 'a replay that says it wrote what no ledger has',
    statements: ({ first }) => [
      `INSERT INTO replay_runs (topic, topic_id, actor, reason) VALUES ('t', 't', 'a', 'r')`,
      `INSERT INTO replay_progress (run_id, partition, source_id, events_source_id, first_offset, end_offset,
                                    next_offset, written)
       SELECT run_id, 0, ${first}, ${first}, 0, 5, 5, 5 FROM replay_runs`,
    ],
    expected: ({ first }) => ({ replays: { source: first } }),
  },
];

test.each(tamperings)('the audit catches $what, and nothing else is blamed', async (tampering) => {
  await expectCaught(tampering);
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

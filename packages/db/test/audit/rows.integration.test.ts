import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { migratedDatabase } from '../../testing/migrated-database.ts';
import { countedDatabase, DAY_START_MS } from '../counted-database.ts';
import { fingerprintOf, idAt, keyOf } from '../event-rows.ts';
import { caught, expectCaught, type Tampering } from './tampering.ts';

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
    what: 'rows of a source that does not exist',
    statements: ({ first }) => [
      `UPDATE events SET source_id = 99 WHERE source_id = ${first} AND source_offset = 0`,
    ],
    expected: ({ first }) => ({ I4: { source: first, firstOffset: 0, endOffset: 10 } }),
  },
  {
    what: 'a forged fingerprint',
    statements: ({ second }) => [
      `UPDATE ledger SET stored_fingerprint = stored_fingerprint + 1
       WHERE source_id = ${second} AND end_offset = 1040`,
    ],
    expected: ({ second }) => ({ I4: { source: second, firstOffset: 1030, endOffset: 1040 } }),
  },
];

test.each(tamperings)('the audit catches $what, and nothing else is blamed', async (tampering) => {
  await expectCaught(tampering);
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

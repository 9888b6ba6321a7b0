import { test } from 'vitest';
import { expectCaught, type Tampering } from './tampering.ts';

const tamperings: Tampering[] = [
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
    what: 'bytes and a try of a letter that is none',
    statements: ({ second }) => [
      `INSERT INTO dead_letter_records (letter_id, record_headers) VALUES (98, '[]')`,
      `INSERT INTO dead_letter_attempts (letter_id, series, attempt, app_version, source_id)
       VALUES (99, 1, 1, '1', ${second})`,
    ],
    expected: ({ second }) => ({
      I6: { source: second, detail: 'a try of letter 99, which is none' },
    }),
  },
  {
    what: 'bytes of a letter that is none',
    statements: () => [
      `INSERT INTO dead_letter_records (letter_id, record_headers) VALUES (98, '[]')`,
    ],
    expected: () => ({ I6: { source: null, detail: 'bytes of letter 98, which is none' } }),
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
  await expectCaught(tampering);
});

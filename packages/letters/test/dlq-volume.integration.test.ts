import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { insertSource, type Database } from '@adtally/db';
import { migratedDatabase } from '@adtally/db/testing';
import { dlqEnd, dlqVolume } from '../src/life/dlq-volume.ts';
import { addLetters, type LettersToAdd } from './letter-fixture.ts';

async function dlqSource(db: Database, topic: string, partition: number): Promise<number> {
  return await insertSource(db, { kind: 'dlq', topic, topicId: topic, partition }, 0n);
}

/** Letters that a DLQ source took so many seconds ago. */
async function copied(
  db: Database,
  dlqSourceId: number,
  secondsAgo: number,
  letters: LettersToAdd,
): Promise<void> {
  const ids = await addLetters(db, letters);
  await sql`
    UPDATE dead_letters SET dlq_source_id = ${dlqSourceId}, dlq_offset = letter_id,
      dlq_append_ms = (extract(epoch FROM clock_timestamp()) * 1000)::bigint - ${secondsAgo * 1_000}::bigint
    WHERE letter_id = ANY (${ids}::bigint[])`.execute(db);
}

test('the end of a DLQ topic is the sum of what is known of its open partitions', async () => {
  await using database = await migratedDatabase();
  const { db } = database;
  expect(await dlqEnd(db, 'dlq')).toBe(0);
  const ends = new Map<number, bigint | null>([
    [await dlqSource(db, 'dlq', 0), 5n],
    [await dlqSource(db, 'dlq', 1), 7n],
    [await dlqSource(db, 'dlq', 2), null],
    [await dlqSource(db, 'another', 0), 100n],
    [await insertSource(db, { kind: 'events', topic: 'dlq', topicId: 'e', partition: 0 }, 0n), 9n],
  ]);
  for (const [sourceId, end] of ends) {
    await db
      .updateTable('cursors')
      .set({ known_end_offset: end })
      .where('source_id', '=', sourceId)
      .execute();
  }
  expect(await dlqEnd(db, 'dlq')).toBe(12);
  await db
    .updateTable('sources')
    .set({ closed_at: new Date() })
    .where('topic_id', '=', 'dlq')
    .where('partition', '=', 1)
    .execute();
  expect(await dlqEnd(db, 'dlq')).toBe(5);
});

test('the volume is what was appended in the last minute, beside the hour before it', async () => {
  await using database = await migratedDatabase();
  const { db } = database;
  expect(await dlqVolume(db, 'dlq')).toEqual({
    lastMinute: 0,
    baselinePerMinute: 0,
    topCauses: [],
  });
  const here = await dlqSource(db, 'dlq', 0);
  const there = await dlqSource(db, 'another', 0);
  const cause = (letter: string) => letter.repeat(16);
  await copied(db, here, 10, { count: 3, fingerprint: cause('b'), code: 'future' });
  const versioned = { fingerprint: cause('a'), code: 'schema_mismatch', field: 'schema_version' };
  await copied(db, here, 10, { ...versioned, count: 2, claimed: ['edge-3', 'c', '4'] });
  await copied(db, here, 10, { ...versioned, claimed: ['edge-1', 'c', '4'] });
  await copied(db, here, 10, { ...versioned, claimed: ['edge-1', 'c', '5'] });
  await copied(db, here, 30, { count: 5, fingerprint: cause('c') });
  await copied(db, here, 30, { count: 1, fingerprint: cause('d') });
  await copied(db, here, 120, { count: 30, fingerprint: cause('e') });
  await copied(db, here, 3_500, { count: 30, fingerprint: cause('e') });
  await copied(db, here, 4_000, { count: 100, fingerprint: cause('e') });
  await copied(db, there, 10, { count: 50, fingerprint: cause('f') });
  expect(await dlqVolume(db, 'dlq')).toEqual({
    lastMinute: 13,
    baselinePerMinute: 1,
    topCauses: [
      {
        fingerprint: cause('c'),
        code: 'wrong_type',
        field: '',
        version: '',
        letters: 5,
        sources: { bySource: { '': 5 }, others: 0 },
      },
      {
        fingerprint: cause('a'),
        code: 'schema_mismatch',
        field: 'schema_version',
        version: '4',
        letters: 3,
        sources: { bySource: { 'edge-3': 2, 'edge-1': 1 }, others: 0 },
      },
      {
        fingerprint: cause('b'),
        code: 'future',
        field: '',
        version: '',
        letters: 3,
        sources: { bySource: { '': 3 }, others: 0 },
      },
    ],
  });
});

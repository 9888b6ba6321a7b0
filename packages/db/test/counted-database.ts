import { sql } from 'kysely';
import { type Database, type DatabaseExecutor } from '../src/database.ts';
import { ensureDayPartitions } from '../src/partitions.ts';
import { registerTopic } from '../src/register-topic.ts';
import { fingerprintOf, idAt, insertEvent, keyOf } from './event-rows.ts';

export const DAY_START_MS = Date.parse('2026-01-31T00:00:00Z');
const DAY_MS = 86_400_000;
const BATCHES = 4;
/** Offsets of one batch: 6 stored, 2 duplicates, a conflict, a dead letter. */
export const BATCH_OFFSETS = 10;
const STORED = 6;
const CONFLICT_AT = 8;
const DEAD_LETTER_AT = 9;
/** Where partition 1 begins: bounds must not be taken for zero-based. */
export const SECOND_GENESIS = 1000n;

export interface CountedDatabase {
  /** Source of partition 0 (from offset 0) and of partition 1 (from SECOND_GENESIS). */
  readonly first: number;
  readonly second: number;
}

/** Counts four batches on each of two sources, as commits do: days, default partition and side tables in use. */
export async function countedDatabase(db: Database): Promise<CountedDatabase> {
  await ensureDayPartitions(db, { now: DAY_START_MS, daysBehind: 0, hoursAhead: 24 });
  const [first, second] = await registerTopic(db, {
    kind: 'events',
    topic: 'ad-events',
    topicId: 'id',
    partitions: 2,
    genesis: (partition) => (partition === 0 ? 0n : SECOND_GENESIS),
  });
  if (first === undefined || second === undefined) throw new Error('no sources');
  await sql`UPDATE cursors SET epoch = 1`.execute(db);
  for (let batch = 0; batch < BATCHES; batch += 1) {
    await countBatch(db, first.sourceId, BigInt(batch * BATCH_OFFSETS), batch);
    await countBatch(db, second.sourceId, SECOND_GENESIS + BigInt(batch * BATCH_OFFSETS), batch);
  }
  return { first: first.sourceId, second: second.sourceId };
}

async function countBatch(
  db: Database,
  sourceId: number,
  start: bigint,
  batch: number,
): Promise<void> {
  await db.transaction().execute(async (trx) => {
    let fingerprint = 0n;
    for (let i = 0; i < STORED; i += 1) {
      const n = sourceId * 10_000 + batch * 100 + i;
      // Today, tomorrow, and a day that has no partition.
      const impressionId = idAt(DAY_START_MS + (i % 3) * DAY_MS, n);
      const offset = start + BigInt(i);
      await insertEvent(trx, { impressionId, key: keyOf(n), sourceId, offset });
      fingerprint ^= fingerprintOf(keyOf(n));
    }
    await sql`INSERT INTO conflicts (source_id, source_offset, impression_id, event_key, record_value, record_headers)
      VALUES (${sourceId}, ${start + BigInt(CONFLICT_AT)}, ${idAt(1, 1)}, ${keyOf(1)}, '', '[]')`.execute(
      trx,
    );
    await sql`INSERT INTO dead_letter_refs (source_id, source_offset, code, record_sha256)
      VALUES (${sourceId}, ${start + BigInt(DEAD_LETTER_AT)}, 'empty', ${Buffer.alloc(32)})`.execute(
      trx,
    );
    await commitBatch(trx, sourceId, start, fingerprint);
  });
}

async function commitBatch(
  trx: DatabaseExecutor,
  sourceId: number,
  start: bigint,
  fingerprint: bigint,
): Promise<void> {
  await sql`SELECT commit_batch(ARRAY[${sourceId}::int], ARRAY[${start}::bigint],
    ARRAY[${start + BigInt(BATCH_OFFSETS)}::bigint], ARRAY[1::bigint], ARRAY[6::bigint], ARRAY[2::bigint],
    ARRAY[1::bigint], ARRAY[1::bigint], ARRAY[0::bigint], ARRAY[${fingerprint}::bigint], 0, 0)`.execute(
    trx,
  );
}

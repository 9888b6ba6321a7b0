import { VERDICT, type EventBatch } from '@adtally/event-schema';
import {
  BYTEA_OID,
  bytesArray,
  identityArrays,
  int4Array,
  int8Array,
  TEXT_OID,
} from './encode-arrays.ts';
import type { CopyEncoder } from './encode-copy.ts';
import { classifyWriteError, WriteError, type WriteFailure, type WritePhase } from './pg-errors.ts';
import { encodeHeaders, keyBytes, recordHash } from './record-hash.ts';
import { copyRows, findConflicts, insertRows, routeRows, sortByKey } from './write-events.ts';
import type { WriterSession } from './writer-session.ts';

/** The offsets of one source that a batch passes: [first, end). */
export interface SourceRange {
  readonly sourceId: number;
  readonly epoch: number;
  /** The cursor the batch assumes. */
  readonly first: number;
  readonly end: number;
  /** Offsets that hold no record, where the topic may have such. */
  readonly gap: number;
}

export interface SourceCounts {
  readonly sourceId: number;
  stored: number;
  duplicate: number;
  conflict: number;
  deadLettered: number;
  /** XOR of the first 64 bits of the keys stored, as two 32-bit words. */
  fingerprintHigh: number;
  fingerprintLow: number;
}

export interface WriteOptions {
  /** The horizon the batch was classified against; the commit fails where it moved. */
  readonly horizonMs: number;
  /** Trust no prediction: write every row the verified way. */
  readonly verifyAll: boolean;
  /** Rejected rows whose records the DLQ topic cannot hold: they are kept in `dead_letters` itself. */
  readonly keepInDatabase: ReadonlySet<number>;
}

/**
 * Writes a classified and routed batch in one READ COMMITTED transaction: events, conflicts, references
 * of dead letters, and last, in one message with COMMIT, ledger and cursors with compare-and-swap.
 * Nothing is committed where it throws a WriteError, except for `outcome_unknown`.
 */
export async function writeBatch(
  session: WriterSession,
  encoder: CopyEncoder,
  batch: EventBatch,
  ranges: readonly SourceRange[],
  options: WriteOptions,
): Promise<SourceCounts[]> {
  const counts = new Map(ranges.map(({ sourceId }) => [sourceId, emptyCounts(sourceId)]));
  const sorted = ranges.toSorted((a, b) => a.sourceId - b.sourceId);
  await inTransaction(session, async (enter) => {
    enter('events');
    const present = await writeEvents(session, encoder, batch, options, counts);
    const conflicts = await findConflicts(session, batch, present);
    for (const row of present) {
      const of = countsOf(counts, batch, row);
      if (conflicts.has(row)) of.conflict += 1;
      else of.duplicate += 1;
    }
    enter('other');
    await keepConflicts(session, batch, [...conflicts]);
    await referToDeadLetters(session, batch, counts);
    await keepDeadLetters(session, batch, [...options.keepInDatabase]);
    await session.query(commitCall(sorted, counts, options.horizonMs));
  });
  return [...counts.values()];
}

/**
 * Tries the events of these rows in a transaction that is always rolled back: the way to find, inside a
 * batch, the row the database does not take. Returns null where it takes them all.
 */
export async function probeRows(
  session: WriterSession,
  batch: EventBatch,
  rows: readonly number[],
): Promise<WriteFailure | null> {
  try {
    await inTransaction(session, async (enter) => {
      enter('events');
      await insertRows(session, batch, sortByKey(batch, rows));
      enter('other');
      await session.query('ROLLBACK');
    });
    return null;
  } catch (error) {
    if (error instanceof WriteError) return error.failure;
    throw error;
  }
}

async function inTransaction(
  session: WriterSession,
  body: (enter: (phase: WritePhase) => void) => Promise<void>,
): Promise<void> {
  let phase: WritePhase = 'other';
  try {
    await session.query('BEGIN ISOLATION LEVEL READ COMMITTED');
    await body((next) => {
      phase = next;
    });
  } catch (error) {
    // A broken session cannot tell whether COMMIT happened, whatever the error looks like.
    const known = error instanceof WriteError ? error.failure : classifyWriteError(error, phase);
    const failure: WriteFailure = session.isUsable ? known : { kind: 'outcome_unknown' };
    if (failure.kind === 'outcome_unknown') session.destroy();
    else await session.query('ROLLBACK').catch(() => session.destroy());
    throw new WriteError(failure, error);
  }
}

/** Writes the valid rows; returns those whose key was there already, in position order. */
async function writeEvents(
  session: WriterSession,
  encoder: CopyEncoder,
  batch: EventBatch,
  options: WriteOptions,
  counts: Map<number, SourceCounts>,
): Promise<Int32Array> {
  const { fast, verified } = routeRows(batch, options.verifyAll);
  await copyRows(session, encoder, batch, fast);
  const present = await insertRows(session, batch, verified);
  const wasPresent = new Set(present);
  for (const row of fast) countStored(countsOf(counts, batch, row), batch, row);
  for (const row of verified) {
    if (!wasPresent.has(row)) countStored(countsOf(counts, batch, row), batch, row);
  }
  return present;
}

function emptyCounts(sourceId: number): SourceCounts {
  return {
    sourceId,
    stored: 0,
    duplicate: 0,
    conflict: 0,
    deadLettered: 0,
    fingerprintHigh: 0,
    fingerprintLow: 0,
  };
}

function countsOf(counts: Map<number, SourceCounts>, batch: EventBatch, row: number): SourceCounts {
  const of = counts.get(batch.sourceId[row] as number);
  if (of === undefined) throw new Error(`row ${row} belongs to no range of this batch`);
  return of;
}

function countStored(counts: SourceCounts, batch: EventBatch, row: number): void {
  const at = row * 16;
  const key = batch.eventKey;
  counts.stored += 1;
  counts.fingerprintHigh ^= key.readInt32BE(at);
  counts.fingerprintLow ^= key.readInt32BE(at + 4);
}

async function keepConflicts(
  session: WriterSession,
  batch: EventBatch,
  rows: readonly number[],
): Promise<void> {
  if (rows.length === 0) return;
  const records = rows.map((row) => batch.record(row));
  const [impressionIds, eventKeys] = identityArrays(batch, Int32Array.from(rows));
  await session.query(
    `INSERT INTO conflicts (source_id, source_offset, impression_id, event_key, record_key, record_value, record_headers)
     SELECT * FROM unnest($1::int[], $2::bigint[], $3::uuid[], $4::uuid[], $5::bytea[], $6::bytea[], $7::bytea[])`,
    [
      int4Array(rows.map((row) => batch.sourceId[row] as number)),
      int8Array(records.map((record) => record.offset)),
      impressionIds,
      eventKeys,
      bytesArray(BYTEA_OID, records.map(keyBytes)),
      bytesArray(
        BYTEA_OID,
        records.map((record) => record.value),
      ),
      bytesArray(
        BYTEA_OID,
        records.map((record) => encodeHeaders(record.headers)),
      ),
    ],
    'keep-conflicts',
  );
}

async function referToDeadLetters(
  session: WriterSession,
  batch: EventBatch,
  counts: Map<number, SourceCounts>,
): Promise<void> {
  const rows = [...batch.rejections.keys()].filter(
    (row) => batch.verdict[row] === VERDICT.rejected,
  );
  if (rows.length === 0) return;
  for (const row of rows) countsOf(counts, batch, row).deadLettered += 1;
  await session.query(
    `INSERT INTO dead_letter_refs (source_id, source_offset, code, record_sha256)
     SELECT * FROM unnest($1::int[], $2::bigint[], $3::text[], $4::bytea[])`,
    [
      int4Array(rows.map((row) => batch.sourceId[row] as number)),
      int8Array(rows.map((row) => batch.record(row).offset)),
      bytesArray(
        TEXT_OID,
        rows.map((row) => Buffer.from(batch.rejections.get(row)?.code ?? '')),
      ),
      bytesArray(
        BYTEA_OID,
        rows.map((row) => recordHash(batch.record(row))),
      ),
    ],
    'refer-to-dead-letters',
  );
}

async function keepDeadLetters(
  session: WriterSession,
  batch: EventBatch,
  rows: readonly number[],
): Promise<void> {
  if (rows.length === 0) return;
  const records = rows.map((row) => batch.record(row));
  const rejections = rows.map((row) => batch.rejections.get(row));
  await session.query(
    `INSERT INTO dead_letters (source_id, source_offset, code, message, record_key, record_value, record_headers, append_time)
     SELECT source_id, source_offset, code, message, record_key, record_value, record_headers,
            to_timestamp(append_ms / 1000.0)
     FROM unnest($1::int[], $2::bigint[], $3::text[], $4::text[], $5::bytea[], $6::bytea[], $7::bytea[], $8::bigint[])
       AS letter (source_id, source_offset, code, message, record_key, record_value, record_headers, append_ms)`,
    [
      int4Array(rows.map((row) => batch.sourceId[row] as number)),
      int8Array(records.map((record) => record.offset)),
      bytesArray(
        TEXT_OID,
        rejections.map((rejection) => Buffer.from(rejection?.code ?? '')),
      ),
      bytesArray(
        TEXT_OID,
        rejections.map((rejection) => Buffer.from(rejection?.message ?? '')),
      ),
      bytesArray(BYTEA_OID, records.map(keyBytes)),
      bytesArray(
        BYTEA_OID,
        records.map((record) => record.value),
      ),
      bytesArray(
        BYTEA_OID,
        records.map((record) => encodeHeaders(record.headers)),
      ),
      int8Array(records.map((record) => record.timestamp ?? 0)),
    ],
    'keep-dead-letters',
  );
}

/** Only numbers go into this text; it must be one message with COMMIT, which parameters do not allow. */
function commitCall(
  ranges: readonly SourceRange[],
  counts: Map<number, SourceCounts>,
  horizonMs: number,
): string {
  const list = (value: (range: SourceRange, of: SourceCounts) => number | bigint): string =>
    `'{${ranges.map((range) => String(value(range, counts.get(range.sourceId) as SourceCounts))).join(',')}}'`;
  const lists = [
    list((range) => range.sourceId),
    list((range) => range.first),
    list((range) => range.end),
    list((range) => range.epoch),
    list((_, of) => of.stored),
    list((_, of) => of.duplicate),
    list((_, of) => of.conflict),
    list((_, of) => of.deadLettered),
    list((range) => range.gap),
    list((_, of) => (BigInt(of.fingerprintHigh) << 32n) | BigInt(of.fingerprintLow >>> 0)),
  ];
  return `SELECT commit_batch(${lists.join(', ')}, ${horizonMs}); COMMIT`;
}

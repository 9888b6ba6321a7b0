import { VERDICT, type EventBatch } from '@adtally/event-schema';
import { identityArrays } from './encode-arrays.ts';
import type { CopyEncoder } from './encode-copy.ts';
import { type Frontier, selectLate, writeLateNote } from './late-notes.ts';
import { classifyWriteError, WriteError, type WriteFailure, type WritePhase } from './pg-errors.ts';
import { recordArrays } from './encode-records.ts';
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
  /** What this writer knows of the frontier, kept up to date here; one object for all its batches. */
  readonly frontier: Frontier;
  /** Trust no prediction: write every row the verified way. */
  readonly verifyAll: boolean;
  /** Writes what belongs into the same commit; called after the events, before the cursors move. */
  readonly alongside: (session: WriterSession, written: WrittenRows) => Promise<void>;
}

/** Adds one to what the ledger counts for a row's source. */
export type CountRow = (row: number, as: 'stored' | 'duplicate') => void;

/** What the transaction found out about a batch's rows; those in neither set were stored. */
export interface WrittenRows {
  readonly batch: EventBatch;
  readonly duplicates: ReadonlySet<number>;
  readonly conflicts: ReadonlySet<number>;
  readonly rejected: readonly number[];
  /** For rows whose verdict is `letter`: only what is written alongside knows what became of them. */
  readonly count: CountRow;
}

/**
 * Writes a classified and routed batch in one READ COMMITTED transaction: events, conflicts, what the
 * caller writes alongside, a note of late impressions, and last, in one message with COMMIT, ledger and cursors with compare-and-swap.
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
    const duplicates = new Set(present.filter((row) => !conflicts.has(row)));
    const rejected = rejectedRows(batch);
    for (const row of conflicts) countsOf(counts, batch, row).conflict += 1;
    for (const row of duplicates) countsOf(counts, batch, row).duplicate += 1;
    for (const row of rejected) countsOf(counts, batch, row).deadLettered += 1;
    enter('other');
    await keepConflicts(session, batch, [...conflicts]);
    const count: CountRow = (row, as) => (countsOf(counts, batch, row)[as] += 1);
    await options.alongside(session, { batch, duplicates, conflicts, rejected, count });
    const late = selectLate(batch, present, options.frontier.ms);
    await writeLateNote(session, batch, late.rows, sorted);
    const [committed] = await session.query<{ frontier_ms: string }>(
      commitCall(sorted, counts, options.horizonMs, late.notedBelowMs),
    );
    options.frontier.ms = Number(committed?.frontier_ms);
  }).catch((error: unknown) => {
    const failure = error instanceof WriteError ? error.failure : null;
    if (failure?.kind === 'frontier_moved') options.frontier.ms = failure.frontierMs;
    throw error;
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

/** Whether `events` can be written at all just now: no lock, disk or shutdown stands before every row. */
export async function takesRows(session: WriterSession): Promise<boolean> {
  try {
    await inTransaction(session, async () => {
      await session.query('LOCK TABLE events IN ROW EXCLUSIVE MODE');
      await session.query('ROLLBACK');
    });
    return true;
  } catch (error) {
    if (error instanceof WriteError) return false;
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

/** The rows of a batch that are rejected, without those whose partition was dropped. */
export function rejectedRows(batch: EventBatch): number[] {
  return [...batch.rejections.keys()].filter((row) => batch.verdict[row] === VERDICT.rejected);
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
  const [impressionIds, eventKeys] = identityArrays(batch, Int32Array.from(rows));
  const { sourceIds, offsets, keys, values, headers } = recordArrays(batch, rows);
  await session.query(
    `INSERT INTO conflicts (source_id, source_offset, impression_id, event_key, record_key, record_value, record_headers)
     SELECT * FROM unnest($1::int[], $2::bigint[], $3::uuid[], $4::uuid[], $5::bytea[], $6::bytea[], $7::bytea[])`,
    [sourceIds, offsets, impressionIds, eventKeys, keys, values, headers],
    'keep-conflicts',
  );
}

/** Only numbers go into this text; it must be one message with COMMIT, which parameters do not allow. */
function commitCall(
  ranges: readonly SourceRange[],
  counts: Map<number, SourceCounts>,
  horizonMs: number,
  notedBelowMs: number,
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
  return `SELECT commit_batch(${lists.join(', ')}, ${horizonMs}, ${notedBelowMs}) AS frontier_ms; COMMIT`;
}

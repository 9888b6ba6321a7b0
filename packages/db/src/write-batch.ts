import { EventBatch, VERDICT } from '@adtally/event-schema';
import { identityArrays, rowArrays } from './encode-arrays.ts';
import { CopyEncoder } from './encode-copy.ts';
import { recordArrays } from './encode-records.ts';
import { type Frontier, selectLate, writeLateNote } from './late-notes.ts';
import { LedgerCounts, type SourceCounts, type SourceRange } from './ledger-counts.ts';
import { WriteError } from './pg-errors.ts';
import {
  copyRows,
  findConflicts,
  INSERT,
  insertRows,
  routeRows,
  type Trust,
} from './write-events.ts';
import { readWriteGuards } from './write-guards.ts';
import { inWriteTransaction } from './write-transaction.ts';
import type { WriterSession } from './writer-session.ts';

/** It is to save time: whoever waits for it must not wait for long. */
const REHEARSAL_LIMITS = "SET LOCAL lock_timeout = '100ms'; SET LOCAL statement_timeout = '500ms'";

export interface WriteOptions {
  /** The horizon the batch was classified against; the commit fails where it moved. */
  readonly horizonMs: number;
  /** What this writer knows of the frontier, kept up to date here; one object for all its batches. */
  readonly frontier: Frontier;
  /** Which rows are taken for new; the others are written the verified way. */
  readonly trust: Trust;
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
 * caller writes alongside, a note of late impressions, and last, in one message with COMMIT, ledger and
 * cursors with compare-and-swap.
 * Nothing is committed where it throws a WriteError, except for `outcome_unknown`.
 */
export async function writeBatch(
  session: WriterSession,
  encoder: CopyEncoder,
  batch: EventBatch,
  ranges: readonly SourceRange[],
  options: WriteOptions,
): Promise<SourceCounts[]> {
  const counts = new LedgerCounts(batch, ranges);
  const sorted = ranges.toSorted((a, b) => a.sourceId - b.sourceId);
  await inWriteTransaction(session, async (enter) => {
    enter('events');
    const present = await writeEvents(session, encoder, batch, options, counts);
    const conflicts = await findConflicts(session, batch, present);
    const duplicates = new Set(present.filter((row) => !conflicts.has(row)));
    const rejected = rejectedRows(batch);
    for (const row of conflicts) counts.add(row, 'conflict');
    for (const row of duplicates) counts.add(row, 'duplicate');
    for (const row of rejected) counts.add(row, 'deadLettered');
    enter('other');
    await keepConflicts(session, batch, [...conflicts]);
    const count: CountRow = (row, as) => counts.add(row, as);
    await options.alongside(session, { batch, duplicates, conflicts, rejected, count });
    const late = selectLate(batch, present, options.frontier.ms);
    await writeLateNote(session, batch, late.rows, sorted);
    const [committed] = await session.query<{ frontier_ms: string }>(
      counts.commitCall(sorted, options.horizonMs, late.notedBelowMs),
    );
    options.frontier.ms = Number(committed?.frontier_ms);
  }).catch((error: unknown) => {
    const failure = error instanceof WriteError ? error.failure : null;
    if (failure?.kind === 'frontier_moved') options.frontier.ms = failure.frontierMs;
    throw error;
  });
  return counts.all();
}

/**
 * Commits nothing, by the statements of a batch: the first time a session meets them takes several times as long, and a
 * partition would rest for it. Of no row and no source: nothing is written.
 * @throws WriteError
 */
export async function rehearseBatch(session: WriterSession): Promise<void> {
  const nothing = new EventBatch(1);
  const noRows = new Int32Array(0);
  await inWriteTransaction(session, async () => {
    await session.query(REHEARSAL_LIMITS);
    const { horizonMs } = await readWriteGuards(session);
    await session.copyEvents(new CopyEncoder().encode(nothing, noRows));
    await session.query(INSERT, rowArrays(nothing, noRows), 'insert-events');
    const commit = new LedgerCounts(nothing, []).commitCall([], horizonMs, Number.MAX_SAFE_INTEGER);
    await session.query(commit);
  });
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
  counts: LedgerCounts,
): Promise<Int32Array> {
  const { fast, verified } = routeRows(batch, options.trust);
  await copyRows(session, encoder, batch, fast);
  const present = await insertRows(session, batch, verified);
  const wasPresent = new Set(present);
  for (const row of fast) counts.addStoredEvent(row);
  for (const row of verified) {
    if (!wasPresent.has(row)) counts.addStoredEvent(row);
  }
  return present;
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

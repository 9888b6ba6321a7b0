import { idMillis, TIMELESS_FROM_MS, VERDICT, type EventBatch } from '@adtally/event-schema';
import { identityArrays, int4Array, int8Array } from './encode-arrays.ts';
import type { SourceRange } from './ledger-counts.ts';
import type { WriterSession } from './writer-session.ts';

/**
 * The rollups' frontier as one writer knows it: impressions born before `ms` (milliseconds since 1970)
 * are at or below it. 0 = nobody keeps rollups. `writeBatch` brings it up to date with every commit.
 */
export interface Frontier {
  ms: number;
}

/**
 * How far above the frontier a writer notes: more than the step in which it moves, so that a move seldom
 * makes a batch in flight be written again. A note too many costs the worker one look-up.
 */
const NOTE_AHEAD_MS = 35_000;

export interface LateRows {
  /** Stored rows whose impressions may be summed up already. */
  readonly rows: Int32Array;
  /** Every stored event of an impression born before it is among them; what the commit is held to. */
  readonly notedBelowMs: number;
}

const NOTHING_NOTED: LateRows = { rows: new Int32Array(0), notedBelowMs: 0 };

/**
 * Chooses which of a batch's stored rows must be noted.
 *
 * @param present rows that were there already: they change nothing
 */
export function selectLate(batch: EventBatch, present: Int32Array, frontierMs: number): LateRows {
  if (frontierMs === 0) return NOTHING_NOTED;
  const ids = batch.column('impression_id').bytes;
  const wasPresent = new Set(present);
  const belowMs = frontierMs + NOTE_AHEAD_MS;
  const rows: number[] = [];
  let notedBelowMs = TIMELESS_FROM_MS;
  for (let row = 0; row < batch.count; row++) {
    if (batch.verdict[row] !== VERDICT.event || wasPresent.has(row)) continue;
    const bornMs = idMillis(ids, row * 16);
    // Ids without a time are below every frontier.
    if (bornMs < belowMs) rows.push(row);
    else if (bornMs < notedBelowMs) notedBelowMs = bornMs;
  }
  return { rows: Int32Array.from(rows), notedBelowMs };
}

/** Inside a batch's transaction: one note of these rows' impressions, with the batch's own offsets. */
export async function writeLateNote(
  session: WriterSession,
  batch: EventBatch,
  rows: Int32Array,
  ranges: readonly SourceRange[],
): Promise<void> {
  if (rows.length === 0) return;
  await session.query(
    `INSERT INTO late_notes (source_ids, first_offsets, end_offsets, impressions, impression_ids)
     VALUES ($1::int[], $2::bigint[], $3::bigint[], $4::int, $5::uuid[])`,
    [
      int4Array(ranges.map(({ sourceId }) => sourceId)),
      int8Array(ranges.map(({ first }) => first)),
      int8Array(ranges.map(({ end }) => end)),
      rows.length,
      identityArrays(batch, rows)[0],
    ],
    'note-late',
  );
}

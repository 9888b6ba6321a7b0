import { PAYLOAD_COLUMNS, ROUTE, VERDICT, type EventBatch } from '@adtally/event-schema';
import { rowArrays } from './encode-arrays.ts';
import type { CopyEncoder } from './encode-copy.ts';
import { WRITTEN_COLUMN_LIST, WRITTEN_COLUMNS } from './table-columns.ts';
import { WriteError } from './pg-errors.ts';
import type { WriterSession } from './writer-session.ts';

const PARAMETERS = WRITTEN_COLUMNS.map(({ type }, index) =>
  // The enum has no fixed OID, so it travels as text.
  type === 'event_type' ? `$${index + 1}::text[]` : `$${index + 1}::${type}[]`,
).join(', ');

/** One row comes back, whatever the number of events: which coordinates were inserted. */
export const INSERT = `
  WITH inserted AS (
    INSERT INTO events (${WRITTEN_COLUMN_LIST})
    SELECT ${WRITTEN_COLUMNS.map(({ name, type }) => (type === 'event_type' ? `${name}::event_type` : name)).join(', ')}
    FROM unnest(${PARAMETERS}) WITH ORDINALITY AS input (${WRITTEN_COLUMN_LIST}, position)
    ORDER BY position
    ON CONFLICT (impression_id, event_key) DO NOTHING
    RETURNING source_id, source_offset
  )
  SELECT string_agg(source_id::text, ',') AS source_ids,
         string_agg(source_offset::text, ',') AS source_offsets
  FROM inserted`;

/** Runs after the insert, in a later snapshot: the inserting statement cannot see what others committed meanwhile. */
const COMPARE = `
  SELECT (position - 1)::int AS index,
         (${PAYLOAD_COLUMNS.map(({ name }) => `stored.${name} IS DISTINCT FROM input.${name}`).join(' OR ')}) AS differs
  FROM unnest(${PARAMETERS}) WITH ORDINALITY AS input (${WRITTEN_COLUMN_LIST}, position)
  JOIN events stored USING (impression_id, event_key)`;

/** The valid rows of a batch, split by route. */
export interface RoutedRows {
  readonly fast: Int32Array;
  /** Sorted by key, then position: writers that meet take their locks in one order. */
  readonly verified: Int32Array;
}

/** None, those whose key Redis said to be new, or those it was not asked for as well. */
export type Trust = 'nothing' | 'answers' | 'guesses';

/** Splits the valid rows by route; of a key that is trusted to be new and is not, the whole batch fails. */
export function routeRows(batch: EventBatch, trust: Trust): RoutedRows {
  const trusted: readonly unknown[] = TRUSTED[trust];
  const fast: number[] = [];
  const verified: number[] = [];
  for (let row = 0; row < batch.count; row++) {
    if (batch.verdict[row] !== VERDICT.event) continue;
    (trusted.includes(batch.route[row]) ? fast : verified).push(row);
  }
  return { fast: Int32Array.from(fast), verified: sortByKey(batch, verified) };
}

const TRUSTED = {
  nothing: [],
  answers: [ROUTE.fast],
  guesses: [ROUTE.fast, ROUTE.unasked],
} as const satisfies Record<Trust, readonly number[]>;

/** Sorts rows by event key, copies of one key by position. */
export function sortByKey(batch: EventBatch, rows: readonly number[]): Int32Array {
  const key = batch.eventKey;
  return Int32Array.from(rows).toSorted(
    (a, b) => key.compare(key, b * 16, b * 16 + 16, a * 16, a * 16 + 16) || a - b,
  );
}

/** Copies rows straight into `events`. A key that is there already raises a unique violation. */
export async function copyRows(
  session: WriterSession,
  encoder: CopyEncoder,
  batch: EventBatch,
  rows: Int32Array,
): Promise<void> {
  if (rows.length > 0) await session.copyEvents(encoder.encode(batch, rows));
}

/** Inserts rows that may be there already; returns the rows that were. */
export async function insertRows(
  session: WriterSession,
  batch: EventBatch,
  rows: Int32Array,
): Promise<Int32Array> {
  if (rows.length === 0) return rows;
  const [result] = await session.query<{
    source_ids: string | null;
    source_offsets: string | null;
  }>(INSERT, rowArrays(batch, rows), 'insert-events');
  const inserted = new Set<string>();
  const offsets = result?.source_offsets?.split(',') ?? [];
  for (const [index, sourceId] of (result?.source_ids?.split(',') ?? []).entries()) {
    inserted.add(`${sourceId}/${offsets[index]}`);
  }
  if (inserted.size === rows.length) return new Int32Array(0);
  return rows.filter((row) => !inserted.has(`${batch.sourceId[row]}/${batch.places.offset[row]}`));
}

/** Of rows whose key was there already: those whose stored payload differs (conflicts). */
export async function findConflicts(
  session: WriterSession,
  batch: EventBatch,
  rows: Int32Array,
): Promise<Set<number>> {
  const conflicts = new Set<number>();
  if (rows.length === 0) return conflicts;
  const compared = await session.query<{ index: number; differs: boolean }>(
    COMPARE,
    rowArrays(batch, rows),
    'compare-events',
  );
  if (compared.length !== rows.length) {
    // A day was dropped between the two statements; the next try inserts them or finds them expired.
    throw new WriteError(
      { kind: 'transient', sqlState: 'vanished', phase: 'other' },
      `${rows.length} keys were there already, but only ${compared.length} are found`,
    );
  }
  for (const { index, differs } of compared) if (differs) conflicts.add(rows[index] as number);
  return conflicts;
}

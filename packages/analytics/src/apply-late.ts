import type { Database, DatabaseExecutor } from '@adtally/db';
import { type RawBuilder, sql } from 'kysely';
import { addToRollups } from './add-to-rollups.ts';
import { eventColumns } from './attribution-sql.ts';
import { COHORT_MS } from './cohorts.ts';
import { readDefinitions, type RollupDefinition } from './definitions.ts';
import { advanced, type NoteRanges, overtaken, type Vector, vectorOf } from './late-vectors.ts';

export interface ApplyOptions {
  /** Of the notes that wait, oldest first, at most so many impressions (one note is never cut). */
  readonly maxImpressions: number;
}

export interface AppliedNotes {
  readonly notes: number;
  readonly impressions: number;
  /** Bases that must be taken again, because a note came out of order; see `overtaken`. */
  readonly spoiled: number;
}

const NOTES_MAX = 2_000;
const WORK_MEMORY = '64MB';
const NOTHING: AppliedNotes = { notes: 0, impressions: 0, spoiled: 0 };

/**
 * Applies waiting notes of late impressions to every version, all in one transaction; another process
 * that is at it makes this one do nothing.
 *
 * For an impression of a base with cursors W, what the rollups hold of it are its events before max(W, V),
 * source by source, where V is how far notes have been applied. The notes taken bring V to V'. So
 * f(events before max(W, V')) - f(events before max(W, V)) is added, the notes are deleted by row and V
 * becomes V'. Bases are locked before their W is read, in a later statement (and so a later snapshot).
 * An impression whose base is not taken yet is skipped: the base's snapshot will be later than ours.
 */
export async function applyLate(db: Database, options: ApplyOptions): Promise<AppliedNotes> {
  return await db
    .transaction()
    .setIsolationLevel('read committed')
    .execute(async (trx) => {
      const from = await lockProgress(trx);
      if (from === null) return NOTHING;
      const notes = await chooseNotes(trx, options.maxImpressions);
      if (notes.length === 0) return NOTHING;
      const noteIds = notes.map(({ noteId }) => noteId);
      // Look-ups by key are spelled LATERAL; all else is thousands of rows the planner takes for a few.
      await sql`SET LOCAL jit = off; SET LOCAL work_mem = ${sql.lit(WORK_MEMORY)};
        SET LOCAL enable_seqscan = off; SET LOCAL enable_nestloop = off; SET LOCAL enable_mergejoin = off`.execute(
        trx,
      );
      await lockBases(trx, noteIds);
      const spoiled = await spoilBases(trx, overtaken(from, notes));
      const to = advanced(from, notes);
      for (const definition of await readDefinitions(trx)) {
        await addToRollups(trx, definition, inputOf(definition, noteIds, from, to));
      }
      await trx
        .deleteFrom('late_notes')
        .where((eb) => eb('note_id', '=', eb.fn.any(sql<bigint[]>`${noteIds}::bigint[]`)))
        .execute();
      await trx
        .updateTable('rollup_progress')
        .set({ applied_sources: [...to.keys()], applied_offsets: [...to.values()] })
        .execute();
      const impressions = notes.reduce((sum, note) => sum + note.impressions, 0);
      return { notes: notes.length, impressions, spoiled };
    });
}

/** V; null where another process is applying. */
async function lockProgress(trx: DatabaseExecutor): Promise<Vector | null> {
  const progress = await trx
    .selectFrom('rollup_progress')
    .select(['applied_sources', 'applied_offsets'])
    .forUpdate()
    .skipLocked()
    .executeTakeFirst();
  if (progress === undefined) return null;
  return vectorOf(progress.applied_sources, progress.applied_offsets.map(BigInt));
}

interface ChosenNote extends NoteRanges {
  readonly impressions: number;
}

async function chooseNotes(trx: DatabaseExecutor, maxImpressions: number): Promise<ChosenNote[]> {
  const { rows } = await sql<{
    note_id: bigint;
    sources: number[];
    firsts: string[];
    ends: string[];
    impressions: number;
  }>`SELECT note_id, source_ids AS sources, first_offsets AS firsts, end_offsets AS ends, impressions
     FROM (SELECT *, sum(impressions) OVER (ORDER BY note_id) AS running
           FROM late_notes ORDER BY note_id LIMIT ${sql.lit(NOTES_MAX)}) oldest
     WHERE running - impressions < ${maxImpressions} ORDER BY note_id`.execute(trx);
  return rows.map(({ note_id, sources, firsts, ends, impressions }) => ({
    noteId: note_id,
    sourceIds: sources,
    firstOffsets: firsts.map(BigInt),
    endOffsets: ends.map(BigInt),
    impressions,
  }));
}

/** The keys of the bases, of all versions, that hold the noted impressions. */
function basesOf(noteIds: readonly bigint[]): RawBuilder<unknown> {
  return sql`SELECT DISTINCT b.version, b.first_cohort
    FROM (SELECT DISTINCT rollup_cohort(id) AS cohort
          FROM late_notes n CROSS JOIN LATERAL unnest(n.impression_ids) id
          WHERE n.note_id = ANY (${noteIds}::bigint[])) noted
    CROSS JOIN rollup_versions v
    CROSS JOIN LATERAL (
      SELECT version, first_cohort, last_cohort FROM rollup_bases b
      WHERE b.version = v.version AND b.first_cohort <= noted.cohort
      ORDER BY b.first_cohort DESC LIMIT 1
    ) b
    WHERE b.last_cohort >= noted.cohort`;
}

/** In one order, so that nobody who takes several bases waits for us while we wait for them. */
async function lockBases(trx: DatabaseExecutor, noteIds: readonly bigint[]): Promise<void> {
  await sql`SELECT FROM (${basesOf(noteIds)} ORDER BY 1, 2) noted
    CROSS JOIN LATERAL (
      SELECT FROM rollup_bases b WHERE b.version = noted.version AND b.first_cohort = noted.first_cohort
      FOR UPDATE
    ) locked`.execute(trx);
}

/** But for what can never be taken again: that stays as it is. */
async function spoilBases(trx: DatabaseExecutor, noteIds: readonly bigint[]): Promise<number> {
  if (noteIds.length === 0) return 0;
  const { rows } = await sql`
    UPDATE rollup_bases SET seen_sources = NULL, seen_offsets = NULL, taken_at = NULL
    WHERE (version, first_cohort) IN (${basesOf(noteIds)}) AND taken_at IS NOT NULL
      AND (first_cohort < 0 OR first_cohort * ${COHORT_MS} >= (SELECT horizon_ms FROM write_guards))
    RETURNING version`.execute(trx);
  return rows.length;
}

/** The noted impressions' events: once with sign -1 as they were counted, once with +1 as they now are. */
function inputOf(
  { version, rollups }: RollupDefinition,
  noteIds: readonly bigint[],
  from: Vector,
  to: Vector,
): RawBuilder<unknown> {
  return sql`
    late AS MATERIALIZED (
      SELECT DISTINCT id AS impression_id, rollup_cohort(id) AS cohort
      FROM late_notes n CROSS JOIN LATERAL unnest(n.impression_ids) id
      WHERE n.note_id = ANY (${noteIds}::bigint[])
    ),
    based AS MATERIALIZED (
      SELECT late.impression_id, CASE WHEN b.folded_at IS NULL THEN late.cohort ELSE b.first_cohort END AS cohort,
             b.seen_sources, b.seen_offsets
      FROM late CROSS JOIN LATERAL (
        SELECT first_cohort, last_cohort, folded_at, seen_sources, seen_offsets FROM rollup_bases b
        WHERE b.version = ${version} AND b.first_cohort <= late.cohort
        ORDER BY b.first_cohort DESC LIMIT 1
      ) b
      WHERE b.last_cohort >= late.cohort AND b.seen_sources IS NOT NULL
      ORDER BY late.impression_id
    ),
    companions AS MATERIALIZED (
      SELECT e.*, based.cohort, side.sign, age.is_new
      FROM based
      CROSS JOIN LATERAL (SELECT ${eventColumns(rollups)} FROM events e WHERE e.impression_id = based.impression_id OFFSET 0) e
      CROSS JOIN LATERAL (
        SELECT NOT ${isBefore(sql`based.seen_sources`, sql`based.seen_offsets`)}
           AND NOT ${isBefore(sourcesOf(from), offsetsOf(from))} AS is_new OFFSET 0
      ) age
      JOIN (VALUES (-1), (1)) side (sign) ON side.sign = 1 OR NOT age.is_new
      WHERE NOT age.is_new OR ${isBefore(sourcesOf(to), offsetsOf(to))}
    ),
    -- An impression that was counted counts on both sides.
    input AS (SELECT * FROM companions WHERE is_new)`;
}

function isBefore(sourceIds: RawBuilder<unknown>, upTo: RawBuilder<unknown>): RawBuilder<unknown> {
  return sql`(e.source_offset < coalesce((${upTo})[array_position(${sourceIds}, e.source_id)], 0))`;
}

function sourcesOf(vector: Vector): RawBuilder<unknown> {
  return sql`${[...vector.keys()]}::int[]`;
}

function offsetsOf(vector: Vector): RawBuilder<unknown> {
  return sql`${[...vector.values()]}::bigint[]`;
}

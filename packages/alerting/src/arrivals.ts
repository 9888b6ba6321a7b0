import { sql } from 'kysely';
import type { DatabaseExecutor } from '@adtally/db';

/** A letter that reached the dead topic. Times in ms since 1970, of the broker's append. */
export interface ArrivedLetter {
  /** UUID made of its identity. */
  readonly letter: string;
  readonly appendedMs: number;
  readonly partition: number;
  readonly deadOffset: number;
  /** In words. */
  readonly cause: string;
  /** Of the cause, for commands; empty where its writer named none. */
  readonly fingerprint: string;
  /** Who sent the record, as it says itself; empty where it does not. */
  readonly source: string;
  readonly origin: string;
}

export interface ArrivalInOrder extends ArrivedLetter {
  /** False where an earlier evaluation has seen it: it is here for its neighbours' sake. */
  readonly isFresh: boolean;
}

/** Stores letters not seen before; returns how many. The copy that came first keeps its append time. */
export async function insertArrivals(
  trx: DatabaseExecutor,
  topic: string,
  letters: readonly ArrivedLetter[],
): Promise<number> {
  if (letters.length === 0) return 0;
  const column = <K extends keyof ArrivedLetter>(name: K) => letters.map((one) => one[name]);
  const inserted = await sql`
    INSERT INTO dead_letter_arrivals (topic, letter, appended_at, partition, dead_offset, cause, fingerprint,
                                      claimed_source, origin)
    SELECT ${topic}, a.letter, to_timestamp(a.appended_ms / 1000.0), a.partition, a.dead_offset, a.cause, a.fingerprint,
           a.source, a.origin
    FROM unnest(${column('letter')}::uuid[], ${column('appendedMs')}::bigint[], ${column('partition')}::int[],
                ${column('deadOffset')}::bigint[], ${column('cause')}::text[], ${column('fingerprint')}::text[],
                ${column('source')}::text[], ${column('origin')}::text[])
      AS a (letter, appended_ms, partition, dead_offset, cause, fingerprint, source, origin)
    ON CONFLICT (topic, letter) DO NOTHING`.execute(trx);
  return Number(inserted.numAffectedRows ?? 0n);
}

interface ArrivalRow {
  letter: string;
  appended_ms: number;
  partition: number;
  dead_offset: bigint;
  cause: string;
  fingerprint: string;
  claimed_source: string;
  origin: string;
  evaluated: boolean;
}

/**
 * The letters to evaluate now, in append order, with those around them that a window may reach: `neighbours`
 * before the first, all between, as many behind the last. Marks the fresh ones as evaluated. Empty where
 * nothing waits.
 *
 * @param throughMs letters appended later stay for another time
 */
export async function takeArrivals(
  trx: DatabaseExecutor,
  topic: string,
  throughMs: number,
  neighbours: number,
): Promise<ArrivalInOrder[]> {
  const through = timestampOf(throughMs);
  const { rows } = await sql<ArrivalRow>`
    WITH fresh AS (
      SELECT letter, appended_at FROM dead_letter_arrivals
      WHERE topic = ${topic} AND NOT evaluated AND appended_at <= ${through}::timestamptz
    ), bounds AS (
      SELECT min(appended_at) AS first, max(appended_at) AS last FROM fresh
    ), around AS (
      (SELECT a.* FROM bounds, dead_letter_arrivals a
       WHERE a.topic = ${topic} AND a.evaluated AND a.appended_at < bounds.first
       ORDER BY a.appended_at DESC, a.partition DESC, a.dead_offset DESC LIMIT ${neighbours})
      UNION ALL
      SELECT a.* FROM bounds, dead_letter_arrivals a
      WHERE a.topic = ${topic} AND a.appended_at BETWEEN bounds.first AND bounds.last
      UNION ALL
      (SELECT a.* FROM bounds, dead_letter_arrivals a
       WHERE a.topic = ${topic} AND a.evaluated AND a.appended_at > bounds.last
       ORDER BY a.appended_at, a.partition, a.dead_offset LIMIT ${neighbours})
    )
    SELECT letter, (extract(epoch FROM appended_at) * 1000)::float8 AS appended_ms, partition, dead_offset,
           cause, fingerprint, claimed_source, origin, evaluated
    FROM around ORDER BY appended_at, partition, dead_offset`.execute(trx);
  if (rows.length === 0) return [];
  await trx
    .updateTable('dead_letter_arrivals')
    .set({ evaluated: true })
    .where('topic', '=', topic)
    .where('evaluated', '=', false)
    .where('appended_at', '<=', sql<Date>`${through}::timestamptz`)
    .execute();
  return rows.map((row) => ({
    letter: row.letter,
    appendedMs: Math.round(row.appended_ms),
    partition: row.partition,
    deadOffset: Number(row.dead_offset),
    cause: row.cause,
    fingerprint: row.fingerprint,
    source: row.claimed_source,
    origin: row.origin,
    isFresh: !row.evaluated,
  }));
}

/** PostgreSQL knows both infinities, JavaScript's dates neither. */
function timestampOf(ms: number): string {
  if (Number.isFinite(ms)) return new Date(ms).toISOString();
  return ms > 0 ? 'infinity' : '-infinity';
}

const PRUNE_ROWS_MAX = 5_000;

/**
 * Forgets letters that came `memoryMs` of append time before the newest one: neither a window nor, any
 * longer, a second copy can reach them. At most 5,000 a call; returns how many.
 */
export async function pruneArrivals(
  db: DatabaseExecutor,
  topic: string,
  memoryMs: number,
): Promise<number> {
  const pruned = await sql`
    DELETE FROM dead_letter_arrivals WHERE (topic, letter) IN (
      SELECT topic, letter FROM dead_letter_arrivals
      WHERE topic = ${topic} AND evaluated AND appended_at < (
        SELECT least(max(appended_at), clock_timestamp()) - ${memoryMs} * interval '1 millisecond'
        FROM dead_letter_arrivals WHERE topic = ${topic})
      ORDER BY appended_at LIMIT ${PRUNE_ROWS_MAX})`.execute(db);
  return Number(pruned.numAffectedRows ?? 0n);
}

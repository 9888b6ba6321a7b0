import { sql, type RawBuilder } from 'kysely';
import type { DatabaseExecutor, DeadLetterState } from '@adtally/db';

/** Which letters are meant; conditions left out do not count, those given must all hold. */
export interface LetterFilter {
  readonly letterIds?: readonly string[] | undefined;
  /** What the letter failed with last. */
  readonly codes?: readonly string[] | undefined;
  readonly fingerprints?: readonly string[] | undefined;
  /** Of the original record. */
  readonly sourceId?: number | undefined;
  readonly topic?: string | undefined;
  readonly partition?: number | undefined;
  /** RFC 3339, by when the letter was recorded: from `since` on, before `until`. */
  readonly since?: string | undefined;
  readonly until?: string | undefined;
  readonly states?: readonly DeadLetterState[] | undefined;
  /** Ended by this discard: its number in `operator_actions`. */
  readonly discardAction?: string | undefined;
}

/** The filter as a condition on `dead_letters l`; every value travels as a parameter. */
export function letterMatches(filter: LetterFilter): RawBuilder<boolean> {
  const conditions = [sql`true`];
  const add = <T>(value: T | undefined, condition: (value: T) => RawBuilder<unknown>): void => {
    if (value !== undefined) conditions.push(condition(value));
  };
  add(filter.letterIds, (ids) => sql`l.letter_id = ANY (${ids}::bigint[])`);
  add(filter.codes, (codes) => sql`l.last_code = ANY (${codes}::text[])`);
  add(filter.fingerprints, (prints) => sql`l.fingerprint = ANY (${prints}::text[])`);
  add(filter.states, (states) => sql`l.state = ANY (${states}::text[])`);
  add(filter.sourceId, (id) => sql`l.source_id = ${id}::int`);
  add(filter.since, (time) => sql`l.recorded_at >= ${time}::timestamptz`);
  add(filter.until, (time) => sql`l.recorded_at < ${time}::timestamptz`);
  add(filter.discardAction, (id) => sql`l.discard_action = ${id}::bigint`);
  // A topic that was made again has several sources.
  add(
    filter.topic,
    (topic) => sql`l.source_id IN (SELECT source_id FROM sources WHERE topic = ${topic})`,
  );
  add(
    filter.partition,
    (partition) =>
      sql`l.source_id IN (SELECT source_id FROM sources WHERE partition = ${partition}::int)`,
  );
  return sql<boolean>`(${sql.join(conditions, sql` AND `)})`;
}

/** A letter in a list: never a byte of its record. */
export interface LetterSummary {
  readonly letterId: bigint;
  readonly state: DeadLetterState;
  /** What it failed with last. */
  readonly code: string;
  readonly fingerprint: string;
  readonly field: string;
  readonly message: string;
  /** Of the original; `null` where the copy names no coordinate we know. */
  readonly topic: string | null;
  readonly partition: number | null;
  readonly offset: bigint;
  readonly series: number;
  readonly attempts: number;
  readonly attemptsMax: number;
  readonly recordedAt: Date;
  /** By the server's clock. */
  readonly ageSeconds: number;
}

export interface LetterPage {
  readonly letters: readonly LetterSummary[];
  /** The id after which the next page begins; `null` on the last one. */
  readonly next: bigint | null;
}

/**
 * A page of matching letters, newest first. Ids only grow, so letters that arrive meanwhile change no
 * later page: `after` is the `next` of the page before.
 */
export async function findLetters(
  db: DatabaseExecutor,
  filter: LetterFilter,
  { limit, after }: { readonly limit: number; readonly after?: string | undefined },
): Promise<LetterPage> {
  const { rows } = await sql<LetterSummary>`
    SELECT l.letter_id AS "letterId", l.state, l.last_code AS code, l.fingerprint, l.last_field AS field,
           l.last_message AS message, s.topic, s.partition, l.source_offset AS "offset", l.series,
           l.attempts, l.attempts_max AS "attemptsMax", l.recorded_at AS "recordedAt",
           extract(epoch FROM clock_timestamp() - l.recorded_at)::float8 AS "ageSeconds"
    FROM dead_letters l LEFT JOIN sources s ON s.source_id = l.source_id
    WHERE ${letterMatches(filter)} AND ${after === undefined ? sql`true` : sql`l.letter_id < ${after}::bigint`}
    ORDER BY l.letter_id DESC LIMIT ${limit + 1}`.execute(db);
  const letters = rows.slice(0, limit);
  const next = rows.length > limit ? (letters.at(-1)?.letterId ?? null) : null;
  return { letters, next };
}

/** How many letters match. */
export async function countLetters(db: DatabaseExecutor, filter: LetterFilter): Promise<number> {
  const { rows } = await sql<{ letters: bigint }>`
    SELECT count(*) AS letters FROM dead_letters l WHERE ${letterMatches(filter)}`.execute(db);
  return Number(rows[0]?.letters ?? 0);
}

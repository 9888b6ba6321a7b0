import { sql } from 'kysely';
import type { Database, DeadLetterState } from '@adtally/db';

export interface LettersToAdd {
  readonly count?: number;
  readonly state?: DeadLetterState;
  readonly code?: string;
  /** As its last try failed; `code` where not named. */
  readonly lastCode?: string;
  readonly fingerprint?: string;
  readonly message?: string;
  readonly field?: string;
  /** What the record says of itself: source, campaign, version; as of an older build where not given. */
  readonly claimed?: readonly [source: string, campaign: string, version: string];
  readonly topic?: string;
  readonly partition?: number;
  /** RFC 3339. */
  readonly recordedAt?: string;
  readonly attempts?: number;
  readonly attemptsMax?: number;
  /** When a pending one may be tried, from now: negative = it is due, the older the lower. */
  readonly dueInMs?: number;
  readonly isLeased?: boolean;
  readonly isSuspect?: boolean;
  /** The DLQ partition whose owner tries it. */
  readonly lane?: number;
  readonly hasBytes?: boolean;
  readonly value?: string;
  /** So long a value instead. */
  readonly valueBytes?: number;
}

/** Adds letters as they may stand in the tables; returns their ids, lowest first. */
export async function addLetters(db: Database, letters: LettersToAdd = {}): Promise<string[]> {
  const state = letters.state ?? 'dead';
  const attemptsMax = letters.attemptsMax ?? 5;
  const attempts = letters.attempts ?? (state === 'dead' ? attemptsMax : 1);
  const isLeased = letters.isLeased ?? false;
  const topic = letters.topic ?? 'events';
  const partition = letters.partition ?? 0;
  await sql`
    INSERT INTO sources (kind, topic, topic_id, partition)
    SELECT 'events', ${topic}, ${topic}, ${partition}::int
    WHERE NOT EXISTS (SELECT FROM sources WHERE topic = ${topic} AND partition = ${partition}::int)`.execute(
    db,
  );
  const value =
    letters.valueBytes === undefined
      ? sql`${letters.value ?? 'value'}::text`
      : sql`repeat('v', ${letters.valueBytes}::int)`;
  const isOver = attempts >= attemptsMax;
  const { rows } = await sql<{ letter_id: string }>`
    WITH place AS (
      SELECT s.source_id, coalesce(max(l.source_offset) + 1, 0) AS next_offset
      FROM sources s LEFT JOIN dead_letters l USING (source_id)
      WHERE s.topic = ${topic} AND s.partition = ${partition}::int GROUP BY s.source_id
    ), letter AS (
      INSERT INTO dead_letters (source_id, source_offset, record_sha256, state, code, last_code, last_message,
                                last_field, claimed_source, claimed_campaign, claimed_version, fingerprint, lane, recorded_at, attempts, attempts_max, lease_epoch, is_suspect,
                                next_attempt_at, is_exhausted, settled_at, outcome, impression_id, event_key)
      SELECT source_id, next_offset + n, sha256(convert_to(n::text, 'UTF8')), ${state}::text,
             ${letters.code ?? 'wrong_type'}::text,
             ${letters.lastCode ?? letters.code ?? 'wrong_type'}::text,
             ${letters.message ?? 'not of that type'}::text, ${letters.field ?? ''}::text,
             ${letters.claimed?.[0] ?? null}::text, ${letters.claimed?.[1] ?? null}::text,
             ${letters.claimed?.[2] ?? null}::text, ${letters.fingerprint ?? 'f'.repeat(16)}::text,
             ${letters.lane ?? 0}::int,
             coalesce(${letters.recordedAt ?? null}::timestamptz, clock_timestamp()), ${attempts}::int,
             ${attemptsMax}::int, CASE WHEN ${isLeased} THEN 1 END, ${letters.isSuspect ?? false},
             CASE WHEN ${state === 'pending' && !isLeased && !isOver}
                  THEN now() + ${letters.dueInMs ?? 0}::float8 * interval '1 millisecond' END,
             ${state === 'pending' && isOver && !isLeased},
             CASE WHEN ${state !== 'pending'} THEN now() END,
             CASE WHEN ${state === 'resolved'} THEN 'stored' END,
             CASE WHEN ${state === 'resolved'} THEN gen_random_uuid() END,
             CASE WHEN ${state === 'resolved'} THEN gen_random_uuid() END
      FROM place, generate_series(0, ${letters.count ?? 1}::int - 1) AS n
      RETURNING letter_id
    ), bytes AS (
      INSERT INTO dead_letter_records (letter_id, record_key, record_value, record_headers)
      SELECT letter_id, 'key', convert_to(${value}, 'UTF8'), '[]' FROM letter
      WHERE ${letters.hasBytes ?? true}
    )
    SELECT letter_id::text FROM letter ORDER BY letter.letter_id`.execute(db);
  return rows.map(({ letter_id }) => letter_id);
}

/** The rows of these letters as orders and tries change them. */
export async function standing(db: Database, ids: readonly string[]) {
  const { rows } = await sql<Record<string, unknown>>`
    SELECT state, series, attempts, attempts_max, is_exhausted, settled_at IS NOT NULL AS is_settled,
           next_attempt_at IS NOT NULL AS is_due, lease_epoch, is_suspect, discarded_from, discard_action
    FROM dead_letters WHERE letter_id = ANY (${ids}::bigint[]) ORDER BY letter_id`.execute(db);
  return rows;
}

/** What is noted of operators, oldest first. */
export async function actions(db: Database) {
  const { rows } = await sql<Record<string, unknown>>`
    SELECT actor, action, reason, detail FROM operator_actions ORDER BY action_id`.execute(db);
  return rows;
}

/** The tries of these letters that were begun, oldest first. */
export async function triesOf(db: Database, ids: readonly string[]) {
  const { rows } = await sql<Record<string, unknown>>`
    SELECT series, attempt, outcome, code, message, app_version, source_id, source_offset
    FROM dead_letter_attempts WHERE letter_id = ANY (${ids}::bigint[])
    ORDER BY letter_id, series, attempt`.execute(db);
  return rows;
}

/** What became of the letters of a job, in the order of their turns. */
export async function receiptsOf(db: Database, jobId: string) {
  const { rows } = await sql<{ series: number | null; outcome: string | null }>`
    SELECT series, outcome FROM redrive_receipts WHERE job_id = ${jobId} ORDER BY place`.execute(
    db,
  );
  return rows;
}

/** Lets a job's rate count so many seconds more. */
export async function passSeconds(db: Database, seconds: number): Promise<void> {
  await sql`UPDATE redrive_jobs SET paced_from = paced_from - ${seconds} * interval '1 second'`.execute(
    db,
  );
}

import { sql } from 'kysely';
import type { DatabaseExecutor } from '@adtally/db';
import { letterMatches, type LetterFilter } from './find-letters.ts';

/** In a job that is not over, with a receipt that is not settled. */
const IN_A_JOB = sql<boolean>`EXISTS (
  SELECT FROM redrive_receipts r JOIN redrive_jobs j USING (job_id)
  WHERE r.letter_id = l.letter_id AND (r.outcome IS NULL OR r.outcome = 'failed') AND j.state IN ('running', 'paused'))`;
const HAS_BYTES = sql<boolean>`EXISTS (SELECT FROM dead_letter_records d WHERE d.letter_id = l.letter_id)`;
const IS_TRIED_NOW = sql<boolean>`l.lease_epoch IS NOT NULL`;

/** A matching letter that may be put into a job, as a condition on `dead_letters l`. */
export const MAY_BE_REDRIVEN = sql<boolean>`(NOT ${IS_TRIED_NOW} AND NOT ${IN_A_JOB} AND ${HAS_BYTES})`;

/** How many letters match, and why some of them cannot be redriven now; each is counted once. */
export interface RedriveCandidates {
  readonly matched: number;
  /** A try of them is under way. */
  readonly triedNow: number;
  /** Waiting in a job that is not over. */
  readonly inAJob: number;
  /** Their bytes have expired. */
  readonly withoutBytes: number;
  /** The others. */
  readonly eligible: number;
}

export async function redriveCandidates(
  db: DatabaseExecutor,
  filter: LetterFilter,
): Promise<RedriveCandidates> {
  const { rows } = await sql<Record<keyof RedriveCandidates, bigint>>`
    WITH matching AS MATERIALIZED (
      SELECT ${IS_TRIED_NOW} AS is_tried_now, ${IN_A_JOB} AS is_in_a_job, ${HAS_BYTES} AS has_bytes
      FROM dead_letters l WHERE ${letterMatches(filter)}
    )
    SELECT count(*) AS matched,
           count(*) FILTER (WHERE is_tried_now) AS "triedNow",
           count(*) FILTER (WHERE NOT is_tried_now AND is_in_a_job) AS "inAJob",
           count(*) FILTER (WHERE NOT is_tried_now AND NOT is_in_a_job AND NOT has_bytes) AS "withoutBytes",
           count(*) FILTER (WHERE NOT is_tried_now AND NOT is_in_a_job AND has_bytes) AS eligible
    FROM matching`.execute(db);
  const counts = Object.entries(rows[0] ?? {}).map(([name, count]) => [name, Number(count)]);
  return Object.fromEntries(counts) as unknown as RedriveCandidates;
}

/** A letter's record, to see whether it would pass now. */
export interface CandidateRecord {
  readonly letterId: bigint;
  readonly lastCode: string;
  readonly topic: string;
  readonly partition: number;
  readonly offset: bigint;
  readonly appendMs: bigint | null;
  readonly key: Buffer | null;
  /** `null` where the value is null, and where it is longer than was asked for. */
  readonly value: Buffer | null;
  readonly valueBytes: number | null;
  readonly headers: Buffer;
}

export interface CandidatePage {
  /** Begin behind this letter. */
  readonly after: string;
  readonly limit: number;
  /** Longer values are not fetched. */
  readonly maxValueBytes: number;
}

/** Records of matching letters that may be redriven, in the order a job would take them: oldest first. */
export async function candidateRecords(
  db: DatabaseExecutor,
  filter: LetterFilter,
  { after, limit, maxValueBytes }: CandidatePage,
): Promise<CandidateRecord[]> {
  const { rows } = await sql<CandidateRecord>`
    WITH page AS MATERIALIZED (
      SELECT l.letter_id, l.last_code, l.source_id, l.source_offset, l.append_ms
      FROM dead_letters l
      WHERE ${letterMatches(filter)} AND ${MAY_BE_REDRIVEN} AND l.letter_id > ${after}::bigint
      ORDER BY l.letter_id LIMIT ${limit}
    )
    SELECT p.letter_id AS "letterId", p.last_code AS "lastCode", coalesce(s.topic, '') AS topic,
           coalesce(s.partition, 0) AS partition, p.source_offset AS "offset", p.append_ms AS "appendMs",
           d.record_key AS key, octet_length(d.record_value) AS "valueBytes",
           CASE WHEN octet_length(d.record_value) <= ${maxValueBytes} THEN d.record_value END AS value,
           d.record_headers AS headers
    FROM page p JOIN dead_letter_records d USING (letter_id) LEFT JOIN sources s ON s.source_id = p.source_id
    ORDER BY p.letter_id`.execute(db);
  return rows;
}

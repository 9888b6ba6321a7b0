import { sql } from 'kysely';
import type { RecordHeader } from '@adtally/event-schema';
import {
  type Database,
  type DatabaseExecutor,
  recordAction,
  type Operator,
  decodeHeaders,
  type DeadLetterState,
} from '@adtally/db';

/** All that is known of a letter, its bytes left out. */
export interface LetterFacts {
  readonly letterId: bigint;
  readonly state: DeadLetterState;
  /** As the record was rejected first. */
  readonly code: string;
  readonly lastCode: string;
  readonly field: string;
  readonly message: string;
  readonly fingerprint: string;
  readonly sourceId: number | null;
  readonly topic: string | null;
  readonly partition: number | null;
  readonly offset: bigint;
  /** Append time of the original, milliseconds since 1970; `null` where unknown. */
  readonly appendMs: bigint | null;
  readonly recordSha256: Buffer;
  readonly app: string;
  readonly appVersion: string;
  /** Where the copy lies; `null` for a record too large for the DLQ topic. */
  readonly dlqTopic: string | null;
  readonly dlqPartition: number | null;
  readonly dlqOffset: bigint | null;
  readonly recordedAt: Date;
  readonly ageSeconds: number;
  readonly series: number;
  readonly attempts: number;
  readonly attemptsMax: number;
  readonly nextAttemptAt: Date | null;
  readonly isTriedNow: boolean;
  readonly isExhausted: boolean;
  readonly outcome: string | null;
  readonly impressionId: string | null;
  readonly eventKey: string | null;
  readonly settledAt: Date | null;
  readonly discardedFrom: string | null;
  readonly discardAction: bigint | null;
}

export interface LetterAttempt {
  readonly series: number;
  readonly attempt: number;
  readonly startedAt: Date;
  readonly finishedAt: Date | null;
  /** `null` while it runs. */
  readonly outcome: string | null;
  readonly code: string | null;
  readonly message: string | null;
  readonly appVersion: string;
}

export interface LetterReceipt {
  readonly jobId: bigint;
  readonly place: number;
  readonly series: number | null;
  readonly outcome: string | null;
  readonly changedAt: Date | null;
}

/** The original record. */
export interface LetterRecord {
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: readonly RecordHeader[];
}

export interface ShownLetter {
  readonly facts: LetterFacts;
  /** Oldest first, at most the newest 1,000. */
  readonly attempts: readonly LetterAttempt[];
  readonly receipts: readonly LetterReceipt[];
  /** `null` once its bytes have expired. Not for people's eyes without `revealLetter`. */
  readonly record: LetterRecord | null;
}

const ATTEMPTS_SHOWN_MAX = 1_000;

/** One letter with its history; undefined where there is none of that id. */
export async function showLetter(
  db: DatabaseExecutor,
  letterId: string,
): Promise<ShownLetter | undefined> {
  const { rows } = await sql<LetterFacts>`
    SELECT l.letter_id AS "letterId", l.state, l.code, l.last_code AS "lastCode", l.last_field AS field,
           l.last_message AS message, l.fingerprint, l.source_id AS "sourceId", s.topic, s.partition,
           l.source_offset AS "offset", l.append_ms AS "appendMs", l.record_sha256 AS "recordSha256",
           l.app, l.app_version AS "appVersion", q.topic AS "dlqTopic", q.partition AS "dlqPartition",
           l.dlq_offset AS "dlqOffset", l.recorded_at AS "recordedAt",
           extract(epoch FROM clock_timestamp() - l.recorded_at)::float8 AS "ageSeconds",
           l.series, l.attempts, l.attempts_max AS "attemptsMax", l.next_attempt_at AS "nextAttemptAt",
           l.lease_epoch IS NOT NULL AS "isTriedNow", l.is_exhausted AS "isExhausted", l.outcome,
           l.impression_id AS "impressionId", l.event_key AS "eventKey", l.settled_at AS "settledAt",
           l.discarded_from AS "discardedFrom", l.discard_action AS "discardAction"
    FROM dead_letters l
    LEFT JOIN sources s ON s.source_id = l.source_id
    LEFT JOIN sources q ON q.source_id = l.dlq_source_id
    WHERE l.letter_id = ${letterId}::bigint`.execute(db);
  const [facts] = rows;
  if (facts === undefined) return undefined;
  const attempts = await sql<LetterAttempt>`
    SELECT series, attempt, started_at AS "startedAt", finished_at AS "finishedAt", outcome, code, message,
           app_version AS "appVersion"
    FROM dead_letter_attempts WHERE letter_id = ${letterId}::bigint
    ORDER BY series DESC, attempt DESC LIMIT ${sql.lit(ATTEMPTS_SHOWN_MAX)}`.execute(db);
  const receipts = await sql<LetterReceipt>`
    SELECT job_id AS "jobId", place, series, outcome, changed_at AS "changedAt"
    FROM redrive_receipts WHERE letter_id = ${letterId}::bigint ORDER BY job_id`.execute(db);
  return {
    facts,
    attempts: attempts.rows.toReversed(),
    receipts: receipts.rows,
    record: await recordOf(db, letterId),
  };
}

/**
 * A letter's bytes for somebody to read, noted in `operator_actions` in the same transaction. Undefined,
 * and nothing noted, where there is no such letter or its bytes have expired.
 */
export async function revealLetter(
  db: Database,
  operator: Operator,
  letterId: string,
): Promise<LetterRecord | undefined> {
  return await db.transaction().execute(async (trx) => {
    const record = await recordOf(trx, letterId);
    if (record === null) return undefined;
    await recordAction(trx, operator, 'reveal-letter', { letter_id: Number(letterId) });
    return record;
  });
}

async function recordOf(db: DatabaseExecutor, letterId: string): Promise<LetterRecord | null> {
  const { rows } = await sql<{ key: Buffer | null; value: Buffer | null; headers: Buffer }>`
    SELECT record_key AS key, record_value AS value, record_headers AS headers
    FROM dead_letter_records WHERE letter_id = ${letterId}::bigint`.execute(db);
  const [row] = rows;
  return row === undefined ? null : { ...row, headers: decodeHeaders(row.headers) };
}

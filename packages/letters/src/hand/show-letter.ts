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
  /** What the record says of itself; empty where it does not say, or nobody looked. */
  readonly claimedSource: string;
  readonly claimedCampaign: string;
  readonly claimedVersion: string;
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
  const id = BigInt(letterId);
  const facts = await factsOf(db, id);
  if (facts === undefined) return undefined;
  const attempts = await db
    .selectFrom('dead_letter_attempts')
    .select([
      'series',
      'attempt',
      'started_at as startedAt',
      'finished_at as finishedAt',
      'outcome',
      'code',
      'message',
      'app_version as appVersion',
    ])
    .where('letter_id', '=', id)
    .orderBy('series', 'desc')
    .orderBy('attempt', 'desc')
    .limit(ATTEMPTS_SHOWN_MAX)
    .execute();
  const receipts = await db
    .selectFrom('redrive_receipts')
    .select(['job_id as jobId', 'place', 'series', 'outcome', 'changed_at as changedAt'])
    .where('letter_id', '=', id)
    .orderBy('job_id')
    .execute();
  return { facts, attempts: attempts.toReversed(), receipts, record: await recordOf(db, id) };
}

async function factsOf(db: DatabaseExecutor, letterId: bigint): Promise<LetterFacts | undefined> {
  return await db
    .selectFrom('dead_letters as l')
    .leftJoin('sources as s', 's.source_id', 'l.source_id')
    .leftJoin('sources as q', 'q.source_id', 'l.dlq_source_id')
    .select([
      'l.letter_id as letterId',
      'l.state',
      'l.code',
      'l.last_code as lastCode',
      'l.last_field as field',
      'l.last_message as message',
      'l.fingerprint',
      sql<string>`coalesce(l.claimed_source, '')`.as('claimedSource'),
      sql<string>`coalesce(l.claimed_campaign, '')`.as('claimedCampaign'),
      sql<string>`coalesce(l.claimed_version, '')`.as('claimedVersion'),
      'l.source_id as sourceId',
      's.topic',
      's.partition',
      'l.source_offset as offset',
      'l.append_ms as appendMs',
      'l.record_sha256 as recordSha256',
      'l.app',
      'l.app_version as appVersion',
      'q.topic as dlqTopic',
      'q.partition as dlqPartition',
      'l.dlq_offset as dlqOffset',
      'l.recorded_at as recordedAt',
      sql<number>`extract(epoch FROM clock_timestamp() - l.recorded_at)::float8`.as('ageSeconds'),
      'l.series',
      'l.attempts',
      'l.attempts_max as attemptsMax',
      'l.next_attempt_at as nextAttemptAt',
      sql<boolean>`l.lease_epoch IS NOT NULL`.as('isTriedNow'),
      'l.is_exhausted as isExhausted',
      'l.outcome',
      'l.impression_id as impressionId',
      'l.event_key as eventKey',
      'l.settled_at as settledAt',
      'l.discarded_from as discardedFrom',
      'l.discard_action as discardAction',
    ])
    .where('l.letter_id', '=', letterId)
    .executeTakeFirst();
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
    const record = await recordOf(trx, BigInt(letterId));
    if (record === null) return undefined;
    await recordAction(trx, operator, 'reveal-letter', { letter_id: Number(letterId) });
    return record;
  });
}

async function recordOf(db: DatabaseExecutor, letterId: bigint): Promise<LetterRecord | null> {
  const row = await db
    .selectFrom('dead_letter_records')
    .select(['record_key as key', 'record_value as value', 'record_headers as headers'])
    .where('letter_id', '=', letterId)
    .executeTakeFirst();
  return row === undefined ? null : { ...row, headers: decodeHeaders(row.headers) };
}

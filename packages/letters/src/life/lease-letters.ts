import { topicRulesOf, type TopicRulesRow, type WriterSession } from '@adtally/db';
import { DEFAULT_TOPIC_RULES, type TopicRules } from '@adtally/event-schema';

/** A DLQ partition's retries, held under an epoch of their own source. */
export interface HeldLane {
  /** The DLQ partition. */
  readonly lane: number;
  /** The retries' source (kind `redrive`). */
  readonly sourceId: number;
  readonly epoch: number;
}

/** How many tries a letter has in a series: by the code it failed with last, else the default. */
export interface AttemptLimits {
  readonly attemptsMax: number;
  readonly attemptsMaxByCode: ReadonlyMap<string, number>;
}

export interface LeaseRequest {
  /** Letters of this topic's events only: several topics may share the database. */
  readonly eventsTopic: string;
  readonly lanes: readonly HeldLane[];
  readonly limit: number;
  /** Those a former try of which did not come back, or the others. */
  readonly suspects: boolean;
  readonly limits: AttemptLimits;
  readonly appVersion: string;
}

/** A letter whose try is begun and counted. */
export interface LeasedLetter {
  readonly letterId: string;
  readonly lane: number;
  readonly series: number;
  readonly attempt: number;
  readonly attemptsMax: number;
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  /** Broker append time of the original, milliseconds since 1970; -1 where unknown. */
  readonly appendMs: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  /** As `encodeHeaders` writes them. */
  readonly headers: Buffer;
  /** The order that opened it lets an id of the future through. */
  readonly acceptsFuture: boolean;
  /** By which it is read: those of its topic as this lease saw them, the same for all its letters. */
  readonly rules: TopicRules;
}

/** Few columns: reading them is most of what a lease costs this process. */
interface LeasedRow {
  /** As `leasedOf` reads them, the lengths of key and value among them. */
  readonly numbers: string;
  /** Key, value and headers one behind the other. */
  readonly record: Buffer;
  /** With the first letter; null where nobody set rules for the topic, too. */
  readonly rules: TopicRulesRow | null;
}

/** Records held in memory by one lease: a letter more than this is leased alone. */
const BYTES_MAX = 32 * 1_024 * 1_024;

/** So many letters of a lane are looked at, also where many lanes share a lease. */
const SHARE_MIN = 50;

// Plans are made while the tables are small, and kept. So what is found by a partial index stands behind OFFSET 0,
// where it is read in the order of that index and only as far as is asked for; and what is found by its key asks for
// nothing that would offer a partial index, all of which would then be read for each letter.

const LEASE = `
  WITH candidate AS (
    SELECT l.letter_id, held.epoch, l.attempts_max, l.next_attempt_at, l.bytes
    FROM unnest($1::int[], $2::bigint[], $10::int[]) AS held (lane, epoch, source_id)
    -- A claim of the lane ends our backend: either this commits before it and is seen by it, or not at all.
    JOIN cursors c ON c.source_id = held.source_id AND c.epoch = held.epoch
    CROSS JOIN LATERAL (
      SELECT d.letter_id, d.next_attempt_at, allowed.attempts_max, kept.bytes
      FROM (
        SELECT letter_id, source_id, last_code, attempts, next_attempt_at FROM dead_letters
        WHERE lane = held.lane AND state = 'pending' AND is_suspect = $4::boolean
          AND next_attempt_at <= statement_timestamp()
        ORDER BY next_attempt_at OFFSET 0
      ) AS d
      CROSS JOIN LATERAL (
        SELECT coalesce((SELECT p.attempts_max FROM unnest($8::text[], $9::int[]) AS p (code, attempts_max)
                         WHERE p.code = d.last_code), $7::int) AS attempts_max
      ) AS allowed
      CROSS JOIN LATERAL (
        SELECT octet_length(record_headers) + coalesce(octet_length(record_value), 0) AS bytes
        FROM dead_letter_records WHERE letter_id = d.letter_id OFFSET 0
      ) AS kept
      WHERE d.source_id = ANY (ARRAY (SELECT s.source_id FROM sources s WHERE s.topic = $3::text))
        AND d.attempts < allowed.attempts_max
      -- A share for each lane: none waits for another to have nothing due.
      LIMIT greatest(ceil($5::numeric / cardinality($1::int[]))::int, ${SHARE_MIN})
    ) AS l
    ORDER BY l.next_attempt_at, l.letter_id LIMIT $5::int
  ), due AS (
    SELECT candidate.*
    FROM candidate CROSS JOIN LATERAL (
      -- Only a pending letter has a next attempt (letter_waits_only_pending).
      SELECT FROM dead_letters d
      WHERE d.letter_id = candidate.letter_id AND d.next_attempt_at = candidate.next_attempt_at
      FOR UPDATE SKIP LOCKED
    ) AS locked
  ), affordable AS (
    SELECT *, sum(bytes) OVER (ORDER BY next_attempt_at, letter_id) - bytes AS bytes_before FROM due
  ), leased AS (
    UPDATE dead_letters l SET
      attempts = l.attempts + 1, attempts_max = a.attempts_max, lease_epoch = a.epoch, next_attempt_at = NULL
    FROM affordable a WHERE l.letter_id = a.letter_id AND a.bytes_before < ${BYTES_MAX}
    RETURNING l.*
  ), begun AS (
    INSERT INTO dead_letter_attempts (letter_id, series, attempt, app_version)
    SELECT letter_id, series, attempts, $6::text FROM leased
  )
  SELECT concat_ws(' ', l.letter_id, l.lane, l.series, l.attempts, l.attempts_max, s.partition, l.source_offset,
                   coalesce(l.append_ms, -1), coalesce(octet_length(b.record_key), -1),
                   coalesce(octet_length(b.record_value), -1),
                   (SELECT j.accept_future::int FROM redrive_jobs j WHERE j.job_id = l.job_id)) AS numbers,
         coalesce(b.record_key, '') || coalesce(b.record_value, '') || b.record_headers AS record,
         -- Of the same snapshot: an order to try letters again that followed a change of the rules finds them changed.
         CASE WHEN row_number() OVER (ORDER BY l.letter_id) = 1
              THEN (SELECT to_jsonb(r) FROM topic_rules r WHERE r.topic = $3::text) END AS rules
  FROM leased l JOIN sources s USING (source_id)
  CROSS JOIN LATERAL (SELECT * FROM dead_letter_records r WHERE r.letter_id = l.letter_id OFFSET 0) AS b
  ORDER BY l.letter_id`;

/** Begins tries of letters that are due, in a commit of its own: a try that kills us is counted too. */
export async function leaseLetters(
  session: WriterSession,
  request: LeaseRequest,
): Promise<LeasedLetter[]> {
  const policies = [...request.limits.attemptsMaxByCode];
  const rows = await session.query<LeasedRow>(
    LEASE,
    [
      request.lanes.map(({ lane }) => lane),
      request.lanes.map(({ epoch }) => epoch),
      request.eventsTopic,
      request.suspects,
      request.limit,
      request.appVersion,
      request.limits.attemptsMax,
      policies.map(([code]) => code),
      policies.map(([, attemptsMax]) => attemptsMax),
      request.lanes.map(({ sourceId }) => sourceId),
    ],
    'lease-letters',
  );
  const rules = rows[0]?.rules ? topicRulesOf(rows[0].rules) : DEFAULT_TOPIC_RULES;
  return rows.map((row) => leasedOf(row, request.eventsTopic, rules));
}

function leasedOf({ numbers, record }: LeasedRow, topic: string, rules: TopicRules): LeasedLetter {
  const [letterId = '', ...others] = numbers.split(' ');
  const [
    lane = 0,
    series = 0,
    attempt = 0,
    attemptsMax = 0,
    partition = 0,
    offset = 0,
    appendMs = 0,
    keyBytes = 0,
    valueBytes = 0,
    accepts = 0,
  ] = others.map(Number);
  const keyEnd = Math.max(0, keyBytes);
  const valueEnd = keyEnd + Math.max(0, valueBytes);
  return {
    letterId,
    lane,
    series,
    attempt,
    attemptsMax,
    topic,
    partition,
    offset,
    appendMs,
    key: keyBytes < 0 ? null : record.subarray(0, keyEnd),
    value: valueBytes < 0 ? null : record.subarray(keyEnd, valueEnd),
    headers: record.subarray(valueEnd),
    acceptsFuture: accepts === 1,
    rules,
  };
}

const EXHAUST = `
  UPDATE dead_letters l SET
    is_exhausted = true, next_attempt_at = NULL, attempts_max = l.attempts
  FROM unnest($1::int[]) AS held (lane)
  CROSS JOIN LATERAL (
    SELECT letter_id, source_id, last_code, attempts, next_attempt_at FROM dead_letters
    WHERE lane = held.lane AND state = 'pending' AND next_attempt_at IS NOT NULL OFFSET 0
  ) AS d
  WHERE l.letter_id = d.letter_id AND l.next_attempt_at = d.next_attempt_at AND d.attempts > 0
    AND d.attempts >= coalesce((SELECT p.attempts_max FROM unnest($3::text[], $4::int[]) AS p (code, attempts_max)
                                WHERE p.code = d.last_code), $5::int)
    AND d.source_id = ANY (ARRAY (SELECT s.source_id FROM sources s WHERE s.topic = $2::text))`;

/**
 * Letters that wait for a try their limit does not allow any more, since the limit was lowered or they
 * failed with another code last: they go to the dead topic instead.
 */
export async function exhaustLetters(
  session: WriterSession,
  eventsTopic: string,
  lanes: readonly HeldLane[],
  limits: AttemptLimits,
): Promise<void> {
  const policies = [...limits.attemptsMaxByCode];
  await session.query(
    EXHAUST,
    [
      lanes.map(({ lane }) => lane),
      eventsTopic,
      policies.map(([code]) => code),
      policies.map(([, attemptsMax]) => attemptsMax),
      limits.attemptsMax,
    ],
    'exhaust-letters',
  );
}

/** Whether letters of a redrive wait for their try in these lanes. */
export async function isRedriveDue(
  session: WriterSession,
  lanes: readonly HeldLane[],
): Promise<boolean> {
  const [row] = await session.query<{ due: boolean }>(
    `SELECT EXISTS (
       SELECT FROM dead_letters
       WHERE job_id IS NOT NULL AND state = 'pending' AND next_attempt_at <= statement_timestamp()
         AND lane = ANY ($1::int[])) AS due`,
    [lanes.map(({ lane }) => lane)],
    'is-redrive-due',
  );
  return row?.due === true;
}

const LAPSE = `
  WITH lapsed AS (
    UPDATE dead_letters l SET
      lease_epoch = NULL, is_suspect = true,
      is_exhausted = l.attempts >= l.attempts_max,
      next_attempt_at = CASE WHEN l.attempts < l.attempts_max THEN clock_timestamp() END,
      last_message = CASE WHEN l.attempts < l.attempts_max THEN l.last_message
                          ELSE 'its last try did not come back' END
    FROM unnest($1::int[], $2::bigint[]) AS held (lane, epoch)
    CROSS JOIN LATERAL (
      SELECT letter_id, source_id, lease_epoch FROM dead_letters
      WHERE lane = held.lane AND lease_epoch IS NOT NULL OFFSET 0
    ) AS d
    WHERE l.letter_id = d.letter_id AND coalesce(l.lease_epoch, -1) = d.lease_epoch AND d.lease_epoch < held.epoch
      AND d.source_id = ANY (ARRAY (SELECT s.source_id FROM sources s WHERE s.topic = $3::text))
    RETURNING l.letter_id, l.series, l.attempts
  ), ended AS (
    UPDATE dead_letter_attempts a SET outcome = 'lapsed', finished_at = clock_timestamp()
    FROM lapsed
    WHERE a.letter_id = lapsed.letter_id AND a.series = lapsed.series AND a.attempt = lapsed.attempts
  )
  SELECT count(*)::int AS lapsed FROM lapsed`;

/**
 * After a claim: tries begun under an older epoch of these lanes will never come back. They count, and
 * their letters are tried alone from now on, so that one that kills the process costs no other a try.
 * Returns how many there were.
 */
export async function endLapsedTries(
  session: WriterSession,
  eventsTopic: string,
  lanes: readonly HeldLane[],
): Promise<number> {
  const [row] = await session.query<{ lapsed: number }>(LAPSE, [
    lanes.map(({ lane }) => lane),
    lanes.map(({ epoch }) => epoch),
    eventsTopic,
  ]);
  return row?.lapsed ?? 0;
}

import {
  bytesArray,
  int4Array,
  int8Array,
  textsOf,
  UUID_OID,
  WriteError,
  type WriterSession,
} from '@adtally/db';

/** How a try ended. */
export interface SettledTry {
  readonly letterId: string;
  readonly outcome: 'stored' | 'duplicate' | 'conflict' | 'failed';
  /** Why it failed; empty texts else. */
  readonly code: string;
  readonly field: string;
  readonly message: string;
  readonly fingerprint: string;
  /** When it is due again if it failed and may be tried again, from now. */
  readonly againInMs: number;
  /** The row of `events` that holds its key, 16 bytes each; `null` where it failed. */
  readonly event: { readonly impressionId: Buffer; readonly eventKey: Buffer } | null;
  /** The commit that ended it: a position of the lane's own source. */
  readonly sourceId: number;
  readonly position: number;
}

const SETTLE = `
  WITH input AS (
    SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bigint[],
                         $8::int[], $9::bigint[], $10::uuid[], $11::uuid[])
      AS input (letter_id, outcome, code, field, message, fingerprint, again_in_ms, source_id, source_offset,
                impression_id, event_key)
  ), settled AS (
    UPDATE dead_letters l SET
      lease_epoch = NULL, is_suspect = false,
      state = CASE WHEN i.outcome = 'failed' THEN 'pending' ELSE 'resolved' END,
      outcome = CASE WHEN i.outcome <> 'failed' THEN i.outcome END,
      impression_id = i.impression_id, event_key = i.event_key,
      settled_at = CASE WHEN i.outcome <> 'failed' THEN clock_timestamp() END,
      last_code = CASE WHEN i.outcome = 'failed' THEN i.code ELSE l.last_code END,
      last_field = CASE WHEN i.outcome = 'failed' THEN i.field ELSE l.last_field END,
      last_message = CASE WHEN i.outcome = 'failed' THEN i.message ELSE l.last_message END,
      fingerprint = CASE WHEN i.outcome = 'failed' THEN i.fingerprint ELSE l.fingerprint END,
      is_exhausted = i.outcome = 'failed' AND l.attempts >= l.attempts_max,
      next_attempt_at = CASE WHEN i.outcome = 'failed' AND l.attempts < l.attempts_max
                             THEN clock_timestamp() + i.again_in_ms * interval '1 millisecond' END
    FROM input i
    -- Not IS NOT NULL, which would offer a partial index (lease-letters.ts).
    WHERE l.letter_id = i.letter_id AND coalesce(l.lease_epoch, -1) >= 0
    RETURNING l.letter_id, l.series, l.attempts, l.job_id, i.outcome, i.code, i.message, i.source_id AS commit_source,
              i.source_offset AS commit_offset
  ), ended AS (
    UPDATE dead_letter_attempts a SET
      finished_at = clock_timestamp(), outcome = s.outcome, source_id = s.commit_source,
      source_offset = s.commit_offset, code = nullif(s.code, ''), message = nullif(s.message, '')
    FROM settled s
    WHERE a.letter_id = s.letter_id AND a.series = s.series AND a.attempt = s.attempts
  ), receipts AS (
    UPDATE redrive_receipts r SET outcome = s.outcome, changed_at = clock_timestamp()
    FROM settled s
    WHERE s.job_id IS NOT NULL AND r.job_id = s.job_id AND r.letter_id = s.letter_id AND r.series = s.series
      AND (r.outcome IS NULL OR r.outcome = 'failed')
  )
  SELECT count(*)::int AS settled FROM settled`;

/**
 * Inside the commit that stores the events: ends the tries of these letters. A letter is resolved in the
 * very transaction that has its key in `events`, or due again, or exhausted.
 */
export async function settleTries(
  session: WriterSession,
  tries: readonly SettledTry[],
): Promise<void> {
  if (tries.length === 0) return;
  const texts = (of: (one: SettledTry) => string) => textsOf(tries.map(of));
  const [row] = await session.query<{ settled: number }>(
    SETTLE,
    [
      int8Array(tries.map(({ letterId }) => Number(letterId))),
      texts(({ outcome }) => outcome),
      texts(({ code }) => code),
      texts(({ field }) => field),
      texts(({ message }) => message),
      texts(({ fingerprint }) => fingerprint),
      int8Array(tries.map(({ againInMs }) => Math.round(againInMs))),
      int4Array(tries.map(({ sourceId }) => sourceId)),
      int8Array(tries.map(({ position }) => position)),
      bytesArray(
        UUID_OID,
        tries.map(({ event }) => event?.impressionId ?? null),
      ),
      bytesArray(
        UUID_OID,
        tries.map(({ event }) => event?.eventKey ?? null),
      ),
    ],
    'settle-tries',
  );
  // Only the lane's owner ends its leases, and a new owner has ended our session. But a database that went
  // back knows nothing of a lease it has acknowledged: the lanes are to be claimed anew.
  if (row?.settled !== tries.length) {
    const sourceIds = [...new Set(tries.map(({ sourceId }) => sourceId))];
    const words = `${tries.length} tries to settle, ${row?.settled} letters were leased`;
    throw new WriteError({ kind: 'fenced', sourceIds }, new Error(words));
  }
}

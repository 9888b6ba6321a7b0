import { claimedFacts, type RecordHeader, type SourceRecord } from '@adtally/event-schema';
import {
  BYTEA_OID,
  bytesArray,
  int4Array,
  int8Array,
  textsOf,
  appendMsOf,
  encodeHeaders,
  keyBytes,
  recordHash,
  type WriterSession,
} from '@adtally/db';

/** A record of the DLQ topic, as far as its headers are believed to say something. */
export interface CopiedLetter {
  /** Its row in the batch of DLQ records. */
  readonly row: number;
  /** The source of the DLQ topic's partition. */
  readonly dlqSourceId: number;
  /** Without its headers: most of them are the DLQ's own. */
  readonly record: Omit<SourceRecord, 'topic' | 'headers'>;
  /** The coordinate it claims; `null` where it claims none, or one that cannot be. */
  readonly claim: {
    readonly topic: string;
    readonly partition: number;
    readonly offset: number;
  } | null;
  /** The original's own headers. */
  readonly headers: readonly RecordHeader[];
  readonly code: string;
  readonly field: string;
  readonly message: string;
  readonly fingerprint: string;
  readonly app: string;
  readonly appVersion: string;
}

// A claim counts where a reference confirms coordinate and hash. While the source's cursor has not passed
// the offset it may still come; once it has, the copy is nobody's.
const COPY = `
  WITH kept AS (
    INSERT INTO dead_letters (source_id, source_offset, record_sha256, state, code, last_code, last_field,
                              last_message, fingerprint, app, app_version, append_ms, dlq_source_id,
                              dlq_offset, dlq_append_ms, lane, claimed_source, claimed_campaign, claimed_version,
                              next_attempt_at)
    SELECT p.source_id, i.source_offset, i.record_sha256,
           CASE WHEN p.ref_code IS NOT NULL THEN 'pending'
                WHEN p.source_id IS NULL OR p.is_closed OR p.is_passed THEN 'orphan'
                ELSE 'unconfirmed' END,
           coalesce(p.ref_code, i.code), coalesce(p.ref_code, i.code), i.field,
           CASE WHEN p.ref_code IS NULL OR p.ref_code = i.code THEN i.message ELSE '' END,
           i.fingerprint, i.app, i.app_version, p.append_ms, i.dlq_source_id, i.dlq_offset, i.dlq_append_ms,
           i.lane, i.claimed_source, i.claimed_campaign, i.claimed_version,
           CASE WHEN p.ref_code IS NOT NULL THEN clock_timestamp() END
    FROM unnest($1::text[], $2::int[], $3::bigint[], $4::bytea[], $5::text[], $6::text[], $7::text[],
                $8::text[], $9::text[], $10::text[], $11::int[], $12::bigint[], $13::bigint[], $14::int[],
                $15::text[], $16::text[], $17::text[])
      AS i (topic, partition, source_offset, record_sha256, code, field, message, fingerprint, app,
            app_version, dlq_source_id, dlq_offset, dlq_append_ms, lane, claimed_source, claimed_campaign,
            claimed_version)
    LEFT JOIN LATERAL (
      SELECT s.source_id, s.closed_at IS NOT NULL AS is_closed, c.next_offset > i.source_offset AS is_passed,
             r.code AS ref_code, r.append_ms
      FROM sources s
      JOIN cursors c ON c.source_id = s.source_id
      LEFT JOIN dead_letter_refs r ON r.source_id = s.source_id AND r.source_offset = i.source_offset
                                  AND r.record_sha256 = i.record_sha256
      WHERE s.kind = 'events' AND s.topic = i.topic AND s.partition = i.partition
      ORDER BY r.code IS NULL, s.closed_at IS NOT NULL, s.source_id DESC
      LIMIT 1
    ) AS p ON true
    ON CONFLICT (source_id, source_offset, record_sha256) DO NOTHING
    RETURNING letter_id, dlq_source_id, dlq_offset
  )
  SELECT string_agg(letter_id::text, ' ') AS letter_ids, string_agg(dlq_source_id::text, ' ') AS sources,
         string_agg(dlq_offset::text, ' ') AS offsets FROM kept`;

const KEEP_BYTES = `
  INSERT INTO dead_letter_records (letter_id, record_key, record_value, record_headers)
  SELECT * FROM unnest($1::bigint[], $2::bytea[], $3::bytea[], $4::bytea[])`;

/**
 * Inside a commit of the DLQ topic's cursor: one letter for each record that is not a second copy of one.
 * Returns the rows that became letters, in whichever state; the others were copies.
 */
export async function copyLetters(
  session: WriterSession,
  letters: readonly CopiedLetter[],
): Promise<Set<number>> {
  if (letters.length === 0) return new Set();
  const texts = (of: (letter: CopiedLetter) => string) => textsOf(letters.map(of));
  const claimed = letters.map(({ record, headers }) =>
    claimedFacts({ value: record.value, headers }),
  );
  const [kept] = await session.query<KeptRow>(
    COPY,
    [
      texts(({ claim }) => claim?.topic ?? ''),
      int4Array(letters.map(({ claim }) => claim?.partition ?? -1)),
      int8Array(letters.map(({ claim }) => claim?.offset ?? -1)),
      bytesArray(
        BYTEA_OID,
        letters.map(({ record: { key, value }, headers }) => recordHash({ key, value, headers })),
      ),
      texts(({ code }) => code),
      texts(({ field }) => field),
      texts(({ message }) => message),
      texts(({ fingerprint }) => fingerprint),
      texts(({ app }) => app),
      texts(({ appVersion }) => appVersion),
      int4Array(letters.map(({ dlqSourceId }) => dlqSourceId)),
      int8Array(letters.map(({ record }) => record.offset)),
      int8Array(letters.map(({ record }) => appendMsOf(record))),
      int4Array(letters.map(({ record }) => record.partition)),
      textsOf(claimed.map(({ source }) => source)),
      textsOf(claimed.map(({ campaign }) => campaign)),
      textsOf(claimed.map(({ version }) => version)),
    ],
    'copy-letters',
  );
  const ids = keptIds(kept, letters);
  await keepBytes(session, ids);
  return new Set([...ids.keys()].map(({ row }) => row));
}

/** One list each, of a word a letter: a row a letter costs more to read than to write. All null where none was kept. */
interface KeptRow {
  readonly letter_ids: string | null;
  readonly sources: string | null;
  readonly offsets: string | null;
}

/** The ids of the letters that were kept. */
function keptIds(
  kept: KeptRow | undefined,
  letters: readonly CopiedLetter[],
): Map<CopiedLetter, number> {
  const numbers = (text?: string | null): number[] => (text ? text.split(' ').map(Number) : []);
  const [ids, sources, offsets] = [kept?.letter_ids, kept?.sources, kept?.offsets].map(numbers);
  const bySource = new Map<number, Map<number, CopiedLetter>>();
  for (const letter of letters) {
    const byOffset = bySource.get(letter.dlqSourceId) ?? new Map<number, CopiedLetter>();
    bySource.set(letter.dlqSourceId, byOffset.set(letter.record.offset, letter));
  }
  return new Map(
    ids?.map((id, index) => {
      const letter = bySource.get(sources?.[index] ?? -1)?.get(offsets?.[index] ?? -1);
      if (letter === undefined) throw new Error(`letter ${id} was kept of no record of the batch`);
      return [letter, id];
    }),
  );
}

async function keepBytes(
  session: WriterSession,
  ids: ReadonlyMap<CopiedLetter, number>,
): Promise<void> {
  if (ids.size === 0) return;
  const kept = [...ids.keys()];
  await session.query(
    KEEP_BYTES,
    [
      int8Array([...ids.values()]),
      bytesArray(
        BYTEA_OID,
        kept.map(({ record }) => keyBytes(record)),
      ),
      bytesArray(
        BYTEA_OID,
        kept.map(({ record }) => record.value),
      ),
      bytesArray(
        BYTEA_OID,
        kept.map(({ headers }) => encodeHeaders(headers)),
      ),
    ],
    'keep-letter-bytes',
  );
}

import type { Buffer } from 'node:buffer';
import type { WriterSession } from '@adtally/db';
import type { TestLog } from './test-log.ts';

/** A dead letter's reference in the database. */
export interface Reference {
  readonly at: number;
  readonly code: string;
  readonly hash: Buffer;
}

/** The references of partition 0, by offset. */
export function referencesOf(session: WriterSession, log: TestLog): Promise<Reference[]> {
  return session.query<Reference & Record<string, unknown>>(
    `SELECT source_offset::int AS at, code, record_sha256 AS hash FROM dead_letter_refs
     WHERE source_id = $1::int ORDER BY 1`,
    [log.sourceId(0)],
  );
}

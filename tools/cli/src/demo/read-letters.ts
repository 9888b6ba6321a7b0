import type { Database } from '@adtally/db';
import { sql } from 'kysely';

/** What became of the records dead-lettered under one code. */
export interface Letters {
  readonly deadLettered: bigint;
  readonly resolved: bigint;
  readonly dead: bigint;
  readonly pending: bigint;
  readonly discarded: bigint;
}

/** By the code of the reference: what a record was rejected with first. */
export async function readLetters(db: Database): Promise<Record<string, Letters>> {
  const { rows } = await sql<Letters & { code: string }>`
    SELECT r.code, count(*) AS "deadLettered",
           count(*) FILTER (WHERE l.state = 'resolved') AS resolved,
           count(*) FILTER (WHERE l.state = 'dead') AS dead,
           count(*) FILTER (WHERE l.state = 'pending') AS pending,
           count(*) FILTER (WHERE l.state = 'discarded') AS discarded
    FROM dead_letter_refs r
    LEFT JOIN dead_letters l ON l.source_id = r.source_id AND l.source_offset = r.source_offset
                            AND l.record_sha256 = r.record_sha256
    GROUP BY r.code ORDER BY r.code`.execute(db);
  return Object.fromEntries(rows.map(({ code, ...letters }) => [code, letters]));
}

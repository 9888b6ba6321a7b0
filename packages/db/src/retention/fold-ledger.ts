import { sql } from 'kysely';
import type { Database } from '../database.ts';

export interface FoldLedgerOptions {
  /** Rows committed in hours that ended before it are folded; milliseconds since 1970. */
  readonly beforeMs: number;
  /** Ends it between two steps. */
  readonly signal: AbortSignal;
  /** Rows of the ledger looked at in one transaction, two at least. */
  readonly rowsAtOnce?: number;
}

const ROWS_AT_ONCE = 2_000;

/**
 * Folds ledger rows of long ago into one a source and hour, in bounded transactions beside load. Whoever else is at it
 * makes this one do nothing.
 *
 * @returns how many rows are gone
 */
export async function foldLedger(
  db: Database,
  { beforeMs, signal, rowsAtOnce = ROWS_AT_ONCE }: FoldLedgerOptions,
): Promise<number> {
  const sources = await db.selectFrom('sources').select('source_id').orderBy('source_id').execute();
  const before = new Date(beforeMs).toISOString();
  let gone = 0;
  for (const { source_id: sourceId } of sources) {
    while (!signal.aborted) {
      const { rows } = await sql<{ gone: number | null }>`
        SELECT fold_ledger(${sourceId}::int, ${before}::timestamptz, ${rowsAtOnce}::int) AS gone`.execute(
        db,
      );
      const folded = rows[0]?.gone ?? null;
      if (folded === null) break;
      gone += folded;
    }
  }
  return gone;
}

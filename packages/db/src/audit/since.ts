import type { Database } from '../database.ts';
import { type StandingPartition, standingPartitions } from '../standing-partitions.ts';
import { type AuditCheckResult, inAuditSnapshot, type OnCheck, runCheck } from './audit.ts';
import { BALANCE } from './balance.ts';
import type { AuditCheck } from './check.ts';
import { CURSOR } from './cursor.ts';
import { rowsSince } from './rows-since.ts';
import {
  CONFLICTS_OF_WINDOW,
  LETTERS_OF_WINDOW,
  onWindow,
  REFERENCES_OF_WINDOW,
  TILING_OF_WINDOW,
} from './window.ts';

export interface SinceOptions {
  /** Longest single check. */
  readonly timeoutMs?: number;
  readonly onCheck?: OnCheck;
}

/** Plain JSON, as `AuditReport` without totals: those of a part would be mistaken for the whole. */
export interface SinceReport {
  readonly since: string;
  readonly balanced: boolean;
  readonly complete: boolean;
  readonly standing: readonly StandingPartition[];
  readonly checks: readonly AuditCheckResult[];
}

/** Of each source the rows committed since then, and the one before them: it is tiled with. */
function windowSince(since: Date): string {
  return `
  SELECT l.* FROM sources s CROSS JOIN LATERAL (
    SELECT coalesce((SELECT end_offset FROM ledger
                     WHERE source_id = s.source_id AND committed_at < '${since.toISOString()}'
                     ORDER BY end_offset DESC LIMIT 1), 0) AS end_offset
  ) before CROSS JOIN LATERAL (
    SELECT * FROM ledger WHERE source_id = s.source_id AND end_offset >= before.end_offset
  ) l`;
}

/**
 * The audit of what was counted since a time, by the database's clock: tiling, arithmetic, cursors, references,
 * conflicts and letters of those ledger rows by index, and their rows in `events` by reading the days they are of.
 * Whether a key is stored twice, retries, replays and rollups are the whole audit's (audit.ts).
 *
 * @param db opened with `statementTimeoutMs: 0`
 */
export async function auditSince(
  db: Database,
  since: Date,
  options: SinceOptions = {},
): Promise<SinceReport> {
  const window = windowSince(since);
  const all: readonly AuditCheck[] = [
    TILING_OF_WINDOW,
    BALANCE,
    CURSOR,
    REFERENCES_OF_WINDOW,
    CONFLICTS_OF_WINDOW,
    LETTERS_OF_WINDOW,
    rowsSince(since),
  ];
  return await inAuditSnapshot(db, options.timeoutMs, async (trx) => {
    const checks: AuditCheckResult[] = [];
    for (const check of all) {
      const result = await runCheck(trx, onWindow(check, window));
      await options.onCheck?.(result);
      checks.push(result);
    }
    const { partitions: standing } = await standingPartitions(trx);
    return {
      since: since.toISOString(),
      balanced: checks.every((check) => check.ok),
      complete: standing.length === 0,
      standing,
      checks,
    };
  });
}

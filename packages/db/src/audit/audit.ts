import { sql } from 'kysely';
import type { Database, DatabaseExecutor } from '../database.ts';
import { BALANCE } from './balance.ts';
import { type AuditCheck, OFFENDING_MAX } from './check.ts';
import { CURSOR } from './cursor.ts';
import { DISPOSITIONS } from './dispositions.ts';
import { type JsonInteger, jsonInteger } from './json-integer.ts';
import { ROWS } from './rows.ts';
import { LETTERS } from './letters.ts';
import { REPLAYS } from './replays.ts';
import { CONFLICTS, DEAD_LETTER_REFS, LETTERS_COPIED } from './side-tables.ts';
import { type StandingPartition, standingPartitions } from '../standing-partitions.ts';
import { TILING } from './tiling.ts';
import { type AuditedSource, auditedSources, type AuditTotals, auditTotals } from './totals.ts';
import { UNIQUENESS } from './uniqueness.ts';

/** Told as each check ends, for progress; waited for. */
export type OnCheck = (result: AuditCheckResult) => void | Promise<void>;

export interface AuditOptions {
  /** Longest single check. */
  readonly timeoutMs?: number;
  readonly onCheck?: OnCheck;
  /** Checks of other packages, run last and in the same snapshot. */
  readonly extraChecks?: readonly ExtraCheck[];
}

/** A check whose statement is not ours to know, e.g. that of the rollups. No offences: it holds. */
export interface ExtraCheck {
  readonly id: string;
  readonly name: string;
  readonly run: (trx: DatabaseExecutor) => Promise<ExtraFindings>;
}

export interface ExtraFindings {
  readonly offences: readonly AuditOffence[];
  /** What is not wrong and yet must be said, a sentence each. */
  readonly notes: readonly string[];
}

/** Where a check does not hold; offsets are null where none can be named. */
export interface AuditOffence {
  /** Null where it is not about one source. */
  readonly source: number | null;
  readonly detail: string;
  readonly firstOffset: JsonInteger | null;
  /** Exclusive. */
  readonly endOffset: JsonInteger | null;
}

export interface AuditCheckResult {
  readonly id: string;
  readonly name: string;
  readonly ok: boolean;
  /** The first ones, by source and offset. */
  readonly offending: readonly AuditOffence[];
  /** True where there are more than shown. */
  readonly more: boolean;
  /** What is not wrong and yet must be said, a sentence each; absent where there is nothing. */
  readonly notes?: readonly string[];
}

/** Plain JSON: integers beyond 2^53 are strings. */
export interface AuditReport {
  /** True only where every check holds: what was counted, was counted right. */
  readonly balanced: boolean;
  /** True where no partition is halted or known to be stuck: then what balances is all there is to count. */
  readonly complete: boolean;
  /** Partitions that do not go on, with the reason: halted, or stuck as the leader last found. */
  readonly standing: readonly StandingPartition[];
  readonly checks: readonly AuditCheckResult[];
  readonly totals: AuditTotals;
  readonly sources: readonly AuditedSource[];
}

export const AUDIT_CHECKS: readonly AuditCheck[] = [
  TILING,
  BALANCE,
  CURSOR,
  ROWS,
  UNIQUENESS,
  CONFLICTS,
  DEAD_LETTER_REFS,
  DISPOSITIONS,
  LETTERS_COPIED,
  LETTERS,
  REPLAYS,
];

const DEFAULT_TIMEOUT_MS = 600_000;
const WORK_MEMORY = '64MB';

/**
 * Checks I1-I5 and the side tables on a live database: all in one snapshot, so writers may go on.
 * Reads every event a few times (about 4 s for 2 million on two cores).
 *
 * @param db opened with `statementTimeoutMs: 0`, since a pool's own limit would end a long check
 */
export async function auditDatabase(
  db: Database,
  options: AuditOptions = {},
): Promise<AuditReport> {
  return await inAuditSnapshot(db, options.timeoutMs, async (trx) => {
    const checks: AuditCheckResult[] = [];
    const done = async (result: AuditCheckResult) => {
      await options.onCheck?.(result);
      checks.push(result);
    };
    for (const check of AUDIT_CHECKS) {
      await preferSorting(trx, check.groupsAreRows === true);
      await done(await runCheck(trx, check));
    }
    for (const { id, name, run } of options.extraChecks ?? []) {
      const { offences, notes } = await run(trx);
      await done({
        id,
        name,
        ok: offences.length === 0,
        offending: offences.slice(0, OFFENDING_MAX),
        more: offences.length > OFFENDING_MAX,
        ...(notes.length > 0 && { notes }),
      });
    }
    const sources = await auditedSources(trx);
    const { partitions: standing } = await standingPartitions(trx);
    return {
      balanced: checks.every((check) => check.ok),
      complete: standing.length === 0,
      standing,
      checks,
      totals: await auditTotals(trx, sources),
      sources,
    };
  });
}

/**
 * Work on one snapshot in which writers may go on, each statement bounded.
 *
 * @param timeoutMs longest single statement; ten minutes where it is not given
 */
export async function inAuditSnapshot<T>(
  db: Database,
  timeoutMs: number | undefined,
  work: (trx: DatabaseExecutor) => Promise<T>,
): Promise<T> {
  return await db
    .transaction()
    .setIsolationLevel('repeatable read')
    .setAccessMode('read only')
    .execute(async (trx) => {
      // First of all, before the snapshot: a day that retention drops meanwhile would look like lost rows.
      await sql`LOCK TABLE events IN ACCESS SHARE MODE`.execute(trx);
      await sql`SET LOCAL statement_timeout = ${sql.lit(timeoutMs ?? DEFAULT_TIMEOUT_MS)}`.execute(
        trx,
      );
      await sql`SET LOCAL work_mem = ${sql.lit(WORK_MEMORY)}`.execute(trx);
      // Compiling the plan for every day partition costs more than it saves.
      await sql`SET LOCAL jit = off`.execute(trx);
      return await work(trx);
    });
}

interface OffenceRow {
  readonly source_id: number;
  readonly detail: string;
  readonly first_offset: bigint | null;
  readonly end_offset: bigint | null;
}

/** One check, in the caller's transaction where there is one. */
export async function runCheck(
  trx: DatabaseExecutor,
  check: AuditCheck,
): Promise<AuditCheckResult> {
  const { rows } = await sql.raw<OffenceRow>(check.statement).execute(trx);
  return {
    id: check.id,
    name: check.name,
    ok: rows.length === 0,
    offending: rows.slice(0, OFFENDING_MAX).map((row) => ({
      source: row.source_id,
      detail: row.detail,
      firstOffset: row.first_offset === null ? null : jsonInteger(row.first_offset),
      endOffset: row.end_offset === null ? null : jsonInteger(row.end_offset),
    })),
    more: rows.length > OFFENDING_MAX,
  };
}

async function preferSorting(trx: DatabaseExecutor, sorting: boolean): Promise<void> {
  await sql`SELECT set_config('enable_hashagg', ${sorting ? 'off' : 'on'}, true),
    set_config('parallel_tuple_cost', ${sorting ? '0' : '0.1'}, true)`.execute(trx);
}

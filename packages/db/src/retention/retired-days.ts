import { sql } from 'kysely';
import type { DatabaseExecutor } from '../database.ts';
import { type EventDay, eventDay } from '../event-days.ts';
import type { WaitFor } from '../schema/retention.ts';
import type { RetiredCount } from './day-archive.ts';

// What needs the owner of `events` goes through its functions (migrations/0031).

/** A day below the horizon that has not been dropped. */
export interface WaitingDay {
  readonly day: EventDay;
  readonly isCounted: boolean;
  readonly isArchived: boolean;
  readonly noticedAt: Date;
  readonly wait: Wait | null;
}

/** Why a day cannot be dropped now. */
export interface Wait {
  readonly for: WaitFor;
  /** A sentence for people. */
  readonly detail: string;
}

/** Days to be dropped, the oldest first. */
export async function waitingDays(db: DatabaseExecutor): Promise<WaitingDay[]> {
  const rows = await db
    .selectFrom('retired_days')
    .select(['counted_at', 'archived_at', 'noticed_at', 'waits_for', 'waits_detail'])
    .select(sql<string>`day::text`.as('day'))
    .where('dropped_at', 'is', null)
    .orderBy('retired_days.day')
    .execute();
  return rows.map((row) => ({
    day: eventDay(Date.parse(row.day)),
    isCounted: row.counted_at !== null,
    isArchived: row.archived_at !== null,
    noticedAt: row.noticed_at,
    wait: row.waits_for === null ? null : { for: row.waits_for, detail: row.waits_detail ?? '' },
  }));
}

/** Whether the last day that was dropped went to an archive, or one that is to be dropped waits for it. */
export async function isArchiveExpected(db: DatabaseExecutor): Promise<boolean> {
  const { rows } = await sql<{ expected: boolean }>`
    SELECT coalesce((SELECT archived_at IS NOT NULL FROM retired_days WHERE dropped_at IS NOT NULL
                     ORDER BY dropped_at DESC, day DESC LIMIT 1), false)
           OR EXISTS (SELECT FROM retired_days WHERE dropped_at IS NULL AND (waits_for = 'archive' OR archived_at IS NOT NULL))
           AS expected`.execute(db);
  return rows[0]?.expected ?? false;
}

/** What leaves, or left, with a day that was counted. */
export async function retiredCounts(
  db: DatabaseExecutor,
  { label }: EventDay,
): Promise<RetiredCount[]> {
  const rows = await db
    .selectFrom('retired_day_counts')
    .selectAll()
    .where('day', '=', sql<Date>`${label}::date`)
    .orderBy('source_id')
    .execute();
  return rows.map((row) => ({
    sourceId: row.source_id,
    rows: row.rows,
    fingerprint: row.fingerprint,
    firstOffset: row.first_offset,
    endOffset: row.end_offset,
  }));
}

/** Notes why a day waits, for `status` and the metrics; null: nothing stands in the way any more. */
export async function noteWait(
  db: DatabaseExecutor,
  { label }: EventDay,
  wait: Wait | null,
): Promise<void> {
  await db
    .updateTable('retired_days')
    .set({ waits_for: wait?.for ?? null, waits_detail: wait?.detail ?? null })
    .where('day', '=', sql<Date>`${label}::date`)
    .where('dropped_at', 'is', null)
    .execute();
}

/** What the rollups still need of events of impressions born before a time; none where nobody keeps rollups. */
export async function rollupsNeedBefore(db: DatabaseExecutor, ms: number): Promise<Wait[]> {
  const { rows } = await sql<{ need: 'frontier' | 'bases' | 'late_notes'; detail: string }>`
    SELECT need, detail FROM rollups_need_before(${ms}::bigint)`.execute(db);
  return rows.map(({ need, detail }) => ({
    for: need === 'late_notes' ? 'late_notes' : 'rollups',
    detail,
  }));
}

/** @returns where the horizon stands now */
export async function raiseHorizon(db: DatabaseExecutor, toMs: number): Promise<number> {
  const { rows } = await sql<{ horizon: bigint }>`
    SELECT raise_horizon(${toMs}::bigint) AS horizon`.execute(db);
  return Number(rows[0]?.horizon);
}

/** Notes the days below the horizon. @returns how many are new */
export async function findRetiredDays(db: DatabaseExecutor): Promise<number> {
  const { rows } = await sql<{ found: number }>`SELECT find_retired_days() AS found`.execute(db);
  return rows[0]?.found ?? 0;
}

export async function watchRetiredDay(db: DatabaseExecutor, { label }: EventDay): Promise<void> {
  await sql`SELECT watch_retired_day(${label}::date)`.execute(db);
}

/** Counts what leaves with a day. @returns rows */
export async function countRetiredDay(db: DatabaseExecutor, { label }: EventDay): Promise<bigint> {
  const { rows } = await sql<{ n: bigint }>`SELECT count_retired_day(${label}::date) AS n`.execute(
    db,
  );
  return rows[0]?.n ?? 0n;
}

export async function noteArchived(db: DatabaseExecutor, { label }: EventDay): Promise<void> {
  await db
    .updateTable('retired_days')
    .set({ archived_at: sql<Date>`clock_timestamp()` })
    .where('day', '=', sql<Date>`${label}::date`)
    .where('counted_at', 'is not', null)
    .where('dropped_at', 'is', null)
    .execute();
}

/** Drops a day that was counted. @returns rows that left */
export async function dropRetiredDay(db: DatabaseExecutor, { label }: EventDay): Promise<bigint> {
  const { rows } = await sql<{ n: bigint }>`SELECT drop_retired_day(${label}::date) AS n`.execute(
    db,
  );
  return rows[0]?.n ?? 0n;
}

/** Sets a day back: it is counted, and archived, anew. */
export async function recountRetiredDay(db: DatabaseExecutor, { label }: EventDay): Promise<void> {
  await sql`SELECT recount_retired_day(${label}::date)`.execute(db);
}

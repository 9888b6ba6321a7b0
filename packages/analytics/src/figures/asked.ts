import type { EventType } from '@adtally/event-schema';
import { type RawBuilder, sql } from 'kysely';
import type { Bucket, Period } from '../period.ts';

/** Of which events figures are asked. */
export interface Asked {
  readonly period: Period;
  /** Every campaign where it is not given. */
  readonly campaignId?: string | undefined;
  /** Every type where it is not given. */
  readonly type?: EventType | undefined;
}

/** Whether a moment lies in a span. */
export function isWithin(
  moment: string,
  { fromMs, toMs }: Pick<Bucket, 'fromMs' | 'toMs'>,
): RawBuilder<boolean> {
  const column = sql.ref(moment);
  return sql`(${column} >= ${iso(fromMs)}::timestamptz AND ${column} < ${iso(toMs)}::timestamptz)`;
}

/** Whether a row is of the asked campaign and type; rows of rollups have no type. */
export function isOfCampaign({ campaignId }: Pick<Asked, 'campaignId'>): RawBuilder<boolean> {
  return campaignId === undefined ? sql`true` : sql`campaign_id = ${campaignId}`;
}

export function isOfType({ type }: Asked): RawBuilder<boolean> {
  return type === undefined ? sql`true` : sql`event_type = ${type}::event_type`;
}

/** The index of the bucket that a moment lies in; the buckets follow one another without a hole. */
export function bucketOf(moment: string, buckets: readonly Bucket[]): RawBuilder<number> {
  // The planner knows nothing of the function: for what is not cut by time it would sort all rows.
  if (buckets.length === 1) return sql`0`;
  const starts = buckets.map(({ fromMs }) => iso(fromMs));
  return sql`width_bucket(${sql.ref(moment)}, ${starts}::timestamptz[]) - 1`;
}

/** A moment as PostgreSQL reads it: years before 1 and after 9999 are not asked for. */
export function iso(ms: number): string {
  return new Date(ms).toISOString();
}

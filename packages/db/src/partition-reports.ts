import { sql } from 'kysely';
import type { DatabaseExecutor } from './database.ts';
import type { PartitionReportsTable } from './schema/partitions.ts';

/** A member of a consumer group that reports what it does with the partitions of one topic. */
export interface Reporter {
  readonly topic: string;
  readonly consumerGroup: string;
  /** The process, as cursors name it. */
  readonly owner: string;
}

/** What a member says of one partition that its group grants it. */
export interface PartitionReport {
  readonly partition: number;
  readonly state: PartitionReportsTable['state'];
  /** Why it waits, stands still or does not get on; null where nothing is amiss. */
  readonly reason: { readonly code: string; readonly detail: string } | null;
  /** How long it has been in this state. */
  readonly forMs: number;
}

/** A report that is not renewed for so long says nothing any more: its process may be gone. */
export const REPORT_STALE_MS = 20_000;

/** Replaces all reports of a member, in one statement; none at all where it is granted nothing. */
export async function replaceReports(
  db: DatabaseExecutor,
  { topic, consumerGroup, owner }: Reporter,
  reports: readonly PartitionReport[],
): Promise<void> {
  const rows = reports.map(({ partition, state, reason, forMs }) => ({
    partition,
    state,
    code: reason?.code ?? null,
    detail: reason?.detail ?? null,
    for_ms: Math.max(0, Math.round(forMs)),
  }));
  await sql`
    WITH said AS (
      SELECT * FROM jsonb_to_recordset(${JSON.stringify(rows)}::jsonb)
        AS r (partition int, state text, code text, detail text, for_ms bigint)
    ), given_up AS (
      DELETE FROM partition_reports p
      WHERE p.topic = ${topic} AND p.consumer_group = ${consumerGroup} AND p.owner = ${owner}
        AND NOT EXISTS (SELECT FROM said WHERE said.partition = p.partition)
    )
    INSERT INTO partition_reports
      (topic, partition, consumer_group, owner, state, reason_code, reason_detail, since)
    SELECT ${topic}, partition, ${consumerGroup}, ${owner}, state, code, detail,
           clock_timestamp() - for_ms * interval '1 millisecond'
    FROM said
    ON CONFLICT (topic, partition, consumer_group, owner) DO UPDATE SET
      state = excluded.state, reason_code = excluded.reason_code, reason_detail = excluded.reason_detail,
      since = excluded.since, reported_at = clock_timestamp()`.execute(db);
}

/** What a living member says of a partition. */
export interface FreshReport extends Reporter, PartitionReport {}

/** The reports of living members; those of members long gone are removed. */
export async function takeFreshReports(db: DatabaseExecutor): Promise<FreshReport[]> {
  const { rows } = await sql<{
    topic: string;
    partition: number;
    consumerGroup: string;
    owner: string;
    state: PartitionReportsTable['state'];
    code: string | null;
    detail: string | null;
    forMs: number;
  }>`
    WITH gone AS (
      DELETE FROM partition_reports WHERE reported_at < clock_timestamp() - interval '1 hour'
    )
    SELECT topic, partition, consumer_group AS "consumerGroup", owner, state, reason_code AS code,
           reason_detail AS detail,
           greatest(extract(epoch FROM clock_timestamp() - since) * 1000, 0)::double precision AS "forMs"
    FROM partition_reports
    WHERE reported_at > clock_timestamp() - ${REPORT_STALE_MS}::int * interval '1 millisecond'
    ORDER BY topic, partition, consumer_group, owner`.execute(db);
  return rows.map(({ code, detail, ...report }) => ({
    ...report,
    reason: code === null ? null : { code, detail: detail ?? '' },
  }));
}

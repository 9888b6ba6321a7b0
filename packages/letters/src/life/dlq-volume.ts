import { sql } from 'kysely';
import type { DatabaseExecutor } from '@adtally/db';
import type { RejectionCause, SourceCounts } from '@adtally/event-schema';

/** How fast records arrive on a DLQ topic, by the broker's append time. */
export interface DlqVolume {
  readonly lastMinute: number;
  /** The average minute of the hour before that. */
  readonly baselinePerMinute: number;
  /** The most frequent causes of the last minute, as far as it was copied. */
  readonly topCauses: readonly VolumeCause[];
}

/** Letters of one cause, and who sent them. */
export interface VolumeCause extends RejectionCause {
  readonly fingerprint: string;
  readonly letters: number;
  readonly sources: SourceCounts;
}

interface CauseRow extends Omit<VolumeCause, 'sources'> {
  readonly by_source: SourceCounts['bySource'];
  readonly others: number;
}

const TOP_CAUSES = 3;
const SOURCES_MAX = 20;
const BASELINE_MINUTES = 60;

/**
 * How far the DLQ topic's partitions reach, as last noted by whoever copies them: its growth is what
 * arrives, copied or not.
 */
export async function dlqEnd(db: DatabaseExecutor, dlqTopic: string): Promise<number> {
  const { ends } = await db
    .selectFrom('sources as s')
    .innerJoin('cursors as c', 'c.source_id', 's.source_id')
    .select((eb) => eb.fn.sum<string | null>('c.known_end_offset').as('ends'))
    .where('s.kind', '=', 'dlq')
    .where('s.topic', '=', dlqTopic)
    .where('s.closed_at', 'is', null)
    .executeTakeFirstOrThrow();
  return Number(ends ?? 0);
}

/** Of what was copied, reckoned against PostgreSQL's clock. */
export async function dlqVolume(db: DatabaseExecutor, dlqTopic: string): Promise<DlqVolume> {
  const nowMs = sql<bigint>`(extract(epoch FROM clock_timestamp()) * 1000)::bigint`;
  const minuteAgo = sql<bigint>`${nowMs} - 60000`;
  const baselineFrom = sql<bigint>`${nowMs} - ${sql.lit((BASELINE_MINUTES + 1) * 60_000)}`;
  const letters = db
    .selectFrom('dead_letters as l')
    .innerJoin('sources as s', 's.source_id', 'l.dlq_source_id')
    .where('s.topic', '=', dlqTopic);
  const counted = await letters
    .select(({ fn }) => [
      fn.countAll<bigint>().filterWhere('l.dlq_append_ms', '>', minuteAgo).as('last_minute'),
      fn.countAll<bigint>().filterWhere('l.dlq_append_ms', '<=', minuteAgo).as('baseline'),
    ])
    .where('l.dlq_append_ms', '>', baselineFrom)
    .executeTakeFirstOrThrow();
  const { rows: causes } = await sql<CauseRow>`
    WITH counted AS (
      SELECT l.fingerprint, l.last_code AS code, l.last_field AS field,
             -- Elsewhere the version is no part of the cause.
             CASE WHEN l.last_code = 'schema_mismatch' THEN coalesce(l.claimed_version, '') ELSE '' END AS version,
             coalesce(l.claimed_source, '') AS source, count(*) AS letters
      FROM dead_letters l JOIN sources s ON s.source_id = l.dlq_source_id
      WHERE s.topic = ${dlqTopic} AND l.dlq_append_ms > ${minuteAgo}
      GROUP BY 1, 2, 3, 4, 5
    ), placed AS (
      SELECT *, row_number() OVER (PARTITION BY fingerprint, code, field, version
                                   ORDER BY letters DESC, source) AS place
      FROM counted
    )
    SELECT fingerprint, code, field, version, sum(letters)::float8 AS letters,
           jsonb_object_agg(source, letters) FILTER (WHERE place <= ${sql.lit(SOURCES_MAX)}) AS by_source,
           coalesce(sum(letters) FILTER (WHERE place > ${sql.lit(SOURCES_MAX)}), 0)::float8 AS others
    FROM placed GROUP BY fingerprint, code, field, version
    ORDER BY letters DESC, fingerprint, version LIMIT ${sql.lit(TOP_CAUSES)}`.execute(db);
  return {
    lastMinute: Number(counted.last_minute),
    baselinePerMinute: Number(counted.baseline) / BASELINE_MINUTES,
    topCauses: causes.map(({ by_source: bySource, others, ...cause }) => ({
      ...cause,
      sources: { bySource, others },
    })),
  };
}

import { sql } from 'kysely';
import type { DatabaseExecutor, DeadLetterState } from '@adtally/db';

/** How fast records arrive on a DLQ topic, by the broker's append time. */
export interface DlqVolume {
  readonly lastMinute: number;
  /** The average minute of the hour before that. */
  readonly baselinePerMinute: number;
  /** The most frequent causes of the last minute. */
  readonly topCauses: readonly { fingerprint: string; code: string; letters: number }[];
}

const TOP_CAUSES = 3;
const BASELINE_MINUTES = 60;

/**
 * How far the DLQ topic's partitions reach, as last noted by whoever copies them: its growth is what
 * arrives, copied or not.
 */
export async function dlqEnd(db: DatabaseExecutor, dlqTopic: string): Promise<number> {
  const { rows } = await sql<{ ends: bigint }>`
    SELECT coalesce(sum(c.known_end_offset), 0)::bigint AS ends
    FROM sources s JOIN cursors c USING (source_id)
    WHERE s.kind = 'dlq' AND s.topic = ${dlqTopic} AND s.closed_at IS NULL`.execute(db);
  return Number(rows[0]?.ends ?? 0);
}

/** Of what was copied, reckoned against PostgreSQL's clock. */
export async function dlqVolume(db: DatabaseExecutor, dlqTopic: string): Promise<DlqVolume> {
  const nowMs = sql`(extract(epoch FROM clock_timestamp()) * 1000)::bigint`;
  const { rows } = await sql<{ last_minute: bigint; baseline: bigint }>`
    SELECT count(*) FILTER (WHERE l.dlq_append_ms > ${nowMs} - 60000) AS last_minute,
           count(*) FILTER (WHERE l.dlq_append_ms <= ${nowMs} - 60000) AS baseline
    FROM dead_letters l JOIN sources s ON s.source_id = l.dlq_source_id AND s.topic = ${dlqTopic}
    WHERE l.dlq_append_ms > ${nowMs} - ${sql.lit((BASELINE_MINUTES + 1) * 60_000)}`.execute(db);
  const causes = await sql<{ fingerprint: string; code: string; letters: bigint }>`
    SELECT l.fingerprint, min(l.last_code) AS code, count(*) AS letters
    FROM dead_letters l JOIN sources s ON s.source_id = l.dlq_source_id AND s.topic = ${dlqTopic}
    WHERE l.dlq_append_ms > ${nowMs} - 60000
    GROUP BY l.fingerprint ORDER BY letters DESC, l.fingerprint LIMIT ${sql.lit(TOP_CAUSES)}`.execute(
    db,
  );
  return {
    lastMinute: Number(rows[0]?.last_minute ?? 0),
    baselinePerMinute: Number(rows[0]?.baseline ?? 0) / BASELINE_MINUTES,
    topCauses: causes.rows.map((row) => ({ ...row, letters: Number(row.letters) })),
  };
}

/** Letters by state, those that are none left out. */
export async function letterCounts(
  db: DatabaseExecutor,
): Promise<{ state: DeadLetterState; letters: number }[]> {
  const rows = await db
    .selectFrom('dead_letters')
    .select(['state', (count) => count.fn.countAll<bigint>().as('letters')])
    .groupBy('state')
    .execute();
  return rows.map(({ state, letters }) => ({ state, letters: Number(letters) }));
}

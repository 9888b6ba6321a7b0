import { sql } from 'kysely';
import type { DatabaseExecutor } from '@adtally/db';

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
  const causes = await letters
    .select(({ fn }) => [
      'l.fingerprint',
      fn.min('l.last_code').as('code'),
      fn.countAll<bigint>().as('letters'),
    ])
    .where('l.dlq_append_ms', '>', minuteAgo)
    .groupBy('l.fingerprint')
    .orderBy('letters', 'desc')
    .orderBy('l.fingerprint')
    .limit(sql.lit(TOP_CAUSES))
    .execute();
  return {
    lastMinute: Number(counted.last_minute),
    baselinePerMinute: Number(counted.baseline) / BASELINE_MINUTES,
    topCauses: causes.map((cause) => ({ ...cause, letters: Number(cause.letters) })),
  };
}

import type { DatabaseExecutor } from '@adtally/db';
import { sql } from 'kysely';
import { ALERTING_METRICS } from '../metrics.ts';
import type { Figures } from './figures.ts';

/** Every change of an incident has a row for each sink that is configured: these many name them all. */
const LATEST_NOTIFICATIONS = 100;

interface SinkBacklog {
  readonly sink: string;
  readonly waiting: number;
  /** Of the oldest that waits; 0 = none does. */
  readonly oldestSeconds: number;
}

/** What waits to be sent, by sink: those told lately too, with nothing. */
async function sinkBacklogs(db: DatabaseExecutor): Promise<SinkBacklog[]> {
  const { rows } = await sql<SinkBacklog>`
    SELECT sink, count(created_at)::int AS waiting,
           coalesce(extract(epoch FROM clock_timestamp() - min(created_at)), 0)::float8 AS "oldestSeconds"
    FROM (SELECT sink, created_at FROM notifications WHERE state = 'waiting'
          UNION ALL
          SELECT sink, NULL FROM (SELECT sink FROM notifications
                                  ORDER BY notification_id DESC LIMIT ${sql.lit(LATEST_NOTIFICATIONS)}) l) n
    GROUP BY sink ORDER BY sink`.execute(db);
  return rows;
}

async function openIncidents(db: DatabaseExecutor): Promise<number> {
  const row = await db
    .selectFrom('incidents')
    .select((count) => count.fn.countAll<bigint>().as('open'))
    .where('status', '=', 'firing')
    .executeTakeFirstOrThrow();
  return Number(row.open);
}

export const alertingFigures: Figures = {
  name: 'alerting',
  metrics: ALERTING_METRICS,
  async tell(session, metrics) {
    const open = await openIncidents(session);
    const backlogs = await sinkBacklogs(session);
    metrics.incidentsOpen.set(open);
    metrics.outboxWaiting.clear();
    metrics.outboxOldestSeconds.clear();
    for (const { sink, waiting, oldestSeconds } of backlogs) {
      metrics.outboxWaiting.set(waiting, { sink });
      metrics.outboxOldestSeconds.set(oldestSeconds, { sink });
    }
  },
};

import { readWriteGuards, WAITS } from '@adtally/db';
import { sql } from 'kysely';
import { RETENTION_METRICS } from '../metrics.ts';
import type { Figures } from './figures.ts';

/** How far retention has come, and which days it cannot drop. */
export const retentionFigures: Figures = {
  name: 'retention',
  metrics: RETENTION_METRICS,
  async tell(session, metrics) {
    const { horizonMs } = await readWriteGuards(session);
    const waiting = await session
      .selectFrom('retired_days')
      .select(({ fn }) => [
        sql<string>`coalesce(waits_for, 'none')`.as('reason'),
        fn.countAll<bigint>().as('days'),
        sql<number>`extract(epoch FROM clock_timestamp() - min(noticed_at))::float8`.as('seconds'),
      ])
      .where('dropped_at', 'is', null)
      .groupBy('waits_for')
      .execute();
    metrics.retentionHorizon.set(horizonMs / 1000);
    const days = new Map(waiting.map((row) => [row.reason, Number(row.days)]));
    for (const reason of [...WAITS, 'none'] as const) {
      metrics.retentionDaysWaiting.set(days.get(reason) ?? 0, { reason });
    }
    metrics.retentionOldestWait.set(Math.max(0, ...waiting.map(({ seconds }) => seconds)));
  },
};

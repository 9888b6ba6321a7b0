import { sql } from 'kysely';
import { LOSS_METRICS } from '../metrics.ts';
import type { Figures } from './figures.ts';

/** What operators accepted as lost, by what they signed: the ledger has the same offsets in as many rows. */
export const lossFigures: Figures = {
  name: 'losses',
  metrics: LOSS_METRICS,
  async tell(session, metrics) {
    const { lost } = await session
      .selectFrom('operator_actions')
      .select(sql<number>`coalesce(sum((detail->>'lost')::float8), 0)`.as('lost'))
      .where('action', '=', 'accept-loss')
      .executeTakeFirstOrThrow();
    metrics.lostOffsets.set(lost);
  },
};

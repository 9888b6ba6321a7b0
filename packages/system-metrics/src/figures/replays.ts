import { sql } from 'kysely';
import { REPLAY_METRICS } from '../metrics.ts';
import type { Figures } from './figures.ts';

/** What replays have still to pass, whoever works on them. */
export const replayFigures: Figures = {
  name: 'replays',
  metrics: REPLAY_METRICS,
  async tell(session, metrics) {
    const rows = await session
      .selectFrom('replay_progress as p')
      .innerJoin('replay_runs as r', 'r.run_id', 'p.run_id')
      .select(['r.state', sql<number>`sum(p.end_offset - p.next_offset)::float8`.as('offsets')])
      .groupBy('r.state')
      .execute();
    for (const state of ['running', 'paused'] as const) {
      const left = rows.find((row) => row.state === state)?.offsets ?? 0;
      metrics.replayOffsetsLeft.set(left, { state });
    }
  },
};

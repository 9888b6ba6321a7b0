import { DEAD_LETTER_STATES, type DatabaseExecutor, type DeadLetterState } from '@adtally/db';
import { LETTER_METRICS } from '../metrics.ts';
import type { Figures } from './figures.ts';

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

export const letterFigures: Figures = {
  name: 'letters',
  metrics: LETTER_METRICS,
  // A million letters are counted in a tenth of a second.
  isCostly: true,
  async tell(session, metrics) {
    const counts = await letterCounts(session);
    const byState = new Map(counts.map(({ state, letters }) => [state, letters]));
    // Zeros too: a series that only begins with its first letter shows no rise.
    for (const state of DEAD_LETTER_STATES) metrics.letters.set(byState.get(state) ?? 0, { state });
  },
};

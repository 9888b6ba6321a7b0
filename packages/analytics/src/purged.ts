import type { DatabaseExecutor } from '@adtally/db';
import { sql } from 'kysely';
import { RefusedError } from './versions.ts';

/** Days that left with their events and did not come back from their archive: their midnights (UTC), ms since 1970. */
export async function daysThatLeft(trx: DatabaseExecutor): Promise<number[]> {
  const { rows } = await sql<{ ms: number }>`
    SELECT extract(epoch FROM d.day)::float8 * 1000 AS ms FROM retired_days d
    WHERE d.dropped_at IS NOT NULL AND NOT EXISTS (SELECT FROM restored.days r WHERE r.day = d.day)`.execute(
    trx,
  );
  return rows.map(({ ms }) => ms);
}

/**
 * For who reads events that happened in a time, in the snapshot in which it reads them.
 *
 * @throws RefusedError where some of them left with their day
 */
export async function requireEventsOf(
  trx: DatabaseExecutor,
  { fromMs, toMs }: { readonly fromMs: number; readonly toMs: number },
): Promise<void> {
  const { days, last } = await trx
    .selectFrom('retired_days as d')
    .innerJoin('retired_day_counts as c', 'c.day', 'd.day')
    .select(({ fn }) => [
      fn.count<bigint>('d.day').distinct().as('days'),
      sql<string | null>`max(d.day)::text`.as('last'),
    ])
    .where('d.dropped_at', 'is not', null)
    // Days that came back from their archive are read beside the others (stored-events.ts).
    .where(({ not, exists, selectFrom }) =>
      not(exists(selectFrom('restored.days as r').select('r.day').whereRef('r.day', '=', 'd.day'))),
    )
    .where('c.first_occurred_at', '<', new Date(toMs))
    .where('c.last_occurred_at', '>=', new Date(fromMs))
    .executeTakeFirstOrThrow();
  if (days === 0n) return;
  throw new RefusedError(
    `events of that time left with ${days} days, the last of them ${last}: they cannot be read here any more, unless ops archive restore brings them back`,
  );
}

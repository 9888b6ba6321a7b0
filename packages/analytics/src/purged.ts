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

/** Whose events are to be read, and of which time: of a day or longer. */
export interface EventsNeeded {
  readonly campaignId: string;
  readonly fromMs: number;
  readonly toMs: number;
}

/**
 * For who reads the events that count for a campaign in a time, in the snapshot in which it reads them. What left with a day
 * is told by campaign, so that events of others, whatever their clocks said, refuse nothing (migrations/0036).
 *
 * @throws RefusedError where some of them left with their day
 */
export async function requireEventsOf(
  trx: DatabaseExecutor,
  { campaignId, fromMs, toMs }: EventsNeeded,
): Promise<void> {
  const { days, last } = await trx
    .selectFrom('retired_days as d')
    .innerJoin('retired_campaign_spans as s', 's.day', 'd.day')
    .select(({ fn }) => [
      fn.count<bigint>('d.day').distinct().as('days'),
      sql<string | null>`max(d.day)::text`.as('last'),
    ])
    .where('d.dropped_at', 'is not', null)
    // Days that came back from their archive are read beside the others (stored-events.ts).
    .where(({ not, exists, selectFrom }) =>
      not(exists(selectFrom('restored.days as r').select('r.day').whereRef('r.day', '=', 'd.day'))),
    )
    .where('s.campaign_id', '=', campaignId)
    .where('s.first_occurred_at', '<', new Date(toMs))
    .where('s.last_occurred_at', '>=', new Date(fromMs))
    .executeTakeFirstOrThrow();
  if (days === 0n) return;
  const left = days === 1n ? '1 day' : `${days} days`;
  throw new RefusedError(
    `events of ${campaignId} of that time left with ${left}, the last of them ${last}: they cannot be read here any more, unless ops archive restore brings them back`,
  );
}

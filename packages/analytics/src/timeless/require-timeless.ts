import type { DatabaseExecutor } from '@adtally/db';
import { sql } from 'kysely';
import { RefusedError } from '../versions.ts';

/**
 * For who reads events that happened in a time, in the snapshot in which it reads them.
 *
 * @throws RefusedError where some of ids without a time left
 */
export async function requireTimelessOf(
  trx: DatabaseExecutor,
  { fromMs, toMs }: { readonly fromMs: number; readonly toMs: number },
): Promise<void> {
  const { events, last } = await trx
    .selectFrom('timeless_purged')
    .select(({ fn }) => [
      fn.sum<string | null>('rows').as('events'),
      sql<string | null>`max(occurred_on)::text`.as('last'),
    ])
    .where('first_occurred_at', '<', new Date(toMs))
    .where('last_occurred_at', '>=', new Date(fromMs))
    .executeTakeFirstOrThrow();
  if (events === null) return;
  throw new RefusedError(
    `${events} events of days to ${last} whose ids are no UUIDv7 left by TIMELESS_RETENTION_DAYS: what is left of them are sums by whole hours of UTC`,
  );
}

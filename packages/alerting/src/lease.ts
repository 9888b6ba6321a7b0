import { sql } from 'kysely';
import type { DatabaseExecutor } from '@adtally/db';

export interface LeaseHolder {
  /** Names the process. */
  readonly owner: string;
  /** The dead topic it watches. */
  readonly topic: string;
}

/**
 * Makes the calling session the active alerter. The session itself is the fence: it holds the lock, and
 * everything the active instance writes goes through it, so nobody else is active before it has ended.
 *
 * @param session one connection, kept for as long as the instance is active
 * @param staleAfterMs a holder that has not renewed for so long is ended
 * @returns the new epoch; null while another session holds the lock
 */
export async function takeAlerterLease(
  session: DatabaseExecutor,
  holder: LeaseHolder,
  staleAfterMs: number,
): Promise<bigint | null> {
  const { rows } = await sql<{ epoch: bigint | null }>`
    SELECT take_alerter_lease(${holder.owner}, ${holder.topic},
                              ${staleAfterMs} * interval '1 millisecond') AS epoch`.execute(
    session,
  );
  return rows[0]?.epoch ?? null;
}

/** Who is active, or was last. */
export async function alerterLeaseHolder(
  session: DatabaseExecutor,
): Promise<{ owner: string | null; topic: string | null } | undefined> {
  return await session.selectFrom('alerter_lease').select(['owner', 'topic']).executeTakeFirst();
}

/** Says that the active instance is alive. @returns the server's time in ms; null where another took over */
export async function renewAlerterLease(
  session: DatabaseExecutor,
  epoch: bigint,
): Promise<number | null> {
  const renewed = await session
    .updateTable('alerter_lease')
    .set({ renewed_at: sql`clock_timestamp()` })
    .where('epoch', '=', epoch)
    .returning(sql<number>`(extract(epoch FROM renewed_at) * 1000)::float8`.as('now_ms'))
    .executeTakeFirst();
  return renewed?.now_ms ?? null;
}

/** The server's clock in ms since 1970, whole: the only clock alerting goes by beside append times. */
export async function serverNowMs(db: DatabaseExecutor): Promise<number> {
  const { rows } = await sql<{ now_ms: number }>`
    SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::float8 AS now_ms`.execute(db);
  const [row] = rows;
  if (row === undefined) throw new Error('the server did not tell the time');
  return row.now_ms;
}

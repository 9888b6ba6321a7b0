import { createHash } from 'node:crypto';
import type { WriterSession } from '@adtally/db';

/** A static member of a consumer group: one process at a time is to be it. */
export interface MemberIdentity {
  readonly group: string;
  /** Its `group.instance.id`. */
  readonly instanceId: string;
}

type Session = Pick<WriterSession, 'query'>;

/**
 * Takes the lock of whoever is this member, which the session then holds until it ends; false while another session has it.
 * It orders hand-overs and guards nothing: who may write is decided by cursors and epochs.
 */
export async function tryMemberLock(session: Session, member: MemberIdentity): Promise<boolean> {
  const rows = await session.query<{ taken: boolean }>(
    'SELECT pg_try_advisory_lock($1::bigint) AS taken',
    [memberLockKey(member)],
  );
  return rows[0]?.taken === true;
}

/** Who has the lock. */
export interface MemberHolder {
  /** For so long, in ms, its session has begun and ended no statement; null where the server does not tell us. */
  readonly silentMs: number | null;
}

/** Who has the lock now, without taking it; null while nobody has. */
export async function memberHolder(
  session: Session,
  member: MemberIdentity,
): Promise<MemberHolder | null> {
  const [row] = await session.query<{ silent_ms: number | null }>(
    `SELECT extract(epoch FROM clock_timestamp() - a.state_change)::float8 * 1000 AS silent_ms
     FROM pg_locks l LEFT JOIN pg_stat_activity a USING (pid)
     WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
       AND ((l.classid::bigint << 32) | l.objid::bigint) = $1::bigint
       AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())`,
    [memberLockKey(member)],
  );
  return row === undefined ? null : { silentMs: row.silent_ms };
}

/** 64 bits, and so apart from the numbers of `ADVISORY_LOCKS`, which are pairs of 32. */
function memberLockKey({ group, instanceId }: MemberIdentity): string {
  const digest = createHash('sha256').update(
    JSON.stringify(['adtally static member', group, instanceId]),
  );
  return digest.digest().readBigInt64BE(0).toString();
}

import { createHash } from 'node:crypto';
import type { WriterSession } from '@adtally/db';

/** A static member of a consumer group: one process at a time is to be it. */
export interface MemberIdentity {
  readonly group: string;
  /** Its `group.instance.id`. */
  readonly instanceId: string;
}

/**
 * Takes the lock of whoever is this member, which the session then holds until it ends; false while another session has it.
 * It orders hand-overs and guards nothing: who may write is decided by cursors and epochs.
 */
export async function tryMemberLock(
  session: Pick<WriterSession, 'query'>,
  member: MemberIdentity,
): Promise<boolean> {
  const rows = await session.query<{ taken: boolean }>(
    'SELECT pg_try_advisory_lock($1::bigint) AS taken',
    [memberLockKey(member)],
  );
  return rows[0]?.taken === true;
}

/** Ends what `tryMemberLock` took, once. */
export async function releaseMemberLock(
  session: Pick<WriterSession, 'query'>,
  member: MemberIdentity,
): Promise<void> {
  await session.query('SELECT pg_advisory_unlock($1::bigint)', [memberLockKey(member)]);
}

/** 64 bits, and so apart from the numbers of `ADVISORY_LOCKS`, which are pairs of 32. */
function memberLockKey({ group, instanceId }: MemberIdentity): string {
  const digest = createHash('sha256').update(
    JSON.stringify(['adtally static member', group, instanceId]),
  );
  return digest.digest().readBigInt64BE(0).toString();
}

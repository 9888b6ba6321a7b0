import { sql } from 'kysely';
import type { Database } from './database.ts';

/** One for all: a name of a channel is shorter than that of a group may be. */
const CHANNEL = 'adtally_group';

/** What a session listens for. */
export interface GroupCalls {
  readonly group: string;
  /** A member of the group came, left or gave partitions back. */
  readonly onCall: () => void;
  /** The static member of that id left. */
  readonly onGoodbye?: (instanceId: string) => void;
}

/** What of a client this needs. */
interface Listening {
  on(
    event: 'notification',
    listener: (message: { channel: string; payload?: string | undefined }) => void,
  ): unknown;
}

/**
 * Tells every session that listens for calls of this consumer group: whoever waits for partitions, or is to give some
 * back, should ask the group now. Nothing depends on a call: who misses one learns of it a heartbeat later.
 */
export async function callGroup(db: Database, group: string): Promise<void> {
  await sql`SELECT pg_notify(${CHANNEL}, ${group})`.execute(db);
}

/** The same of a static member that left: whoever stands by to take its place should take it now. */
export async function sayGoodbye(db: Database, group: string, instanceId: string): Promise<void> {
  const goodbye = JSON.stringify([group, instanceId]);
  await sql`SELECT pg_notify(${CHANNEL}, ${group}), pg_notify(${CHANNEL}, ${goodbye})`.execute(db);
}

/** Has a client tell of calls. @returns the statement that begins it, for the session to run */
export function listening(client: Listening, { group, onCall, onGoodbye }: GroupCalls): string {
  client.on('notification', ({ channel, payload }) => {
    if (channel !== CHANNEL || payload === undefined) return;
    if (payload === group) onCall();
    else {
      const instanceId = goodbyeIn(payload, group);
      if (instanceId !== null) onGoodbye?.(instanceId);
    }
  });
  return `LISTEN ${CHANNEL}`;
}

/** Whose goodbye to this group it is; null where it is none. */
function goodbyeIn(payload: string, group: string): string | null {
  try {
    const said: unknown = JSON.parse(payload);
    return Array.isArray(said) && said[0] === group && typeof said[1] === 'string' ? said[1] : null;
  } catch {
    // Another group's name.
    return null;
  }
}

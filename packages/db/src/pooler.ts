import { type Client, DatabaseError, type QueryConfig } from 'pg';

/** Between us and the server is a pooler that gives a session's statements to whichever server process is free. */
export class PoolerUnsuitable extends Error {
  override readonly name = 'PoolerUnsuitable';

  constructor() {
    super(
      'DATABASE_URL leads through a pooler in transaction or statement mode: ' +
        'give it session mode (PgBouncer: pool_mode=session), or connect to the server itself',
    );
  }
}

/** A pooler that shares server processes and is busy might show the same ones by chance: not so many times. */
const ROUNDS = 8;
/** For so long a pooler found fit is believed: each look needs a second session of it. */
const BELIEVED_MS = 60_000;
const ANSWER_LIMIT_MS = 10_000;

/** PgBouncer's own word in statement mode; it ends the session with it. */
const NO_TRANSACTIONS = /pooling mode/;

const believed = new Map<string, { readonly sinceMs: number; readonly look: Promise<void> }>();

/**
 * Makes sure that a new session has a server process of its own, before anything is set on it: in transaction mode
 * the settings would be met by strangers, and neither locks nor prepared statements would be ours.
 *
 * The protocol tells a client the process that serves it; a pooler makes up a number, since it does not know yet.
 * Only where the two differ it is looked closer, by a second session: in session mode each keeps one process, and
 * never the other's. In transaction mode the second one, inside a transaction, holds the process that the first had.
 *
 * @param openAnother a client of the same address that is not connected yet
 * @throws PoolerUnsuitable
 */
export async function requireOwnProcess(client: Client, openAnother: () => Client): Promise<void> {
  const pid = await serverPid(client);
  if (pid === (client as unknown as { processID: number | null }).processID) return;
  const pooler = [client.host, client.port, client.database, client.user].join(' ');
  const before = believed.get(pooler);
  if (before !== undefined && performance.now() - before.sinceMs < BELIEVED_MS) {
    return await before.look;
  }
  const look = compareWithAnother(client, pid, openAnother());
  believed.set(pooler, { sinceMs: performance.now(), look });
  try {
    await look;
  } catch (error) {
    believed.delete(pooler);
    throw error;
  }
}

async function compareWithAnother(client: Client, pid: number, another: Client): Promise<void> {
  another.on('error', () => undefined);
  await another.connect();
  try {
    let otherPid: number | undefined;
    for (let round = 0; round < ROUNDS; round += 1) {
      await bounded(another, 'BEGIN').catch((error: unknown) => {
        const isRefused = error instanceof DatabaseError && NO_TRANSACTIONS.test(error.message);
        throw isRefused ? new PoolerUnsuitable() : error;
      });
      const held = await serverPid(another);
      otherPid ??= held;
      // Before the first is asked again: of a pooler with one process it would wait for the second one's end.
      const isShared = held === pid || held !== otherPid || (await serverPid(client)) !== pid;
      await bounded(another, 'COMMIT');
      if (isShared) throw new PoolerUnsuitable();
    }
  } finally {
    await another.end().catch(() => undefined);
  }
}

async function serverPid(client: Client): Promise<number> {
  const [row] = await bounded(client, 'SELECT pg_catalog.pg_backend_pid() AS pid');
  return Number(row?.['pid']);
}

async function bounded(client: Client, text: string): Promise<Record<string, unknown>[]> {
  const query: QueryConfig & { query_timeout: number } = { text, query_timeout: ANSWER_LIMIT_MS };
  return (await client.query<Record<string, unknown>>(query)).rows;
}

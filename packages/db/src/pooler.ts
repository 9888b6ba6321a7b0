import { type Client, DatabaseError, type QueryConfig } from 'pg';
import { isAway } from './server-away.ts';

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

/** The pooler has no server process for one more session now: it is full, or its server is away. */
class NoFurtherSession extends Error {
  override readonly name = 'NoFurtherSession';

  constructor(cause: Error) {
    super(
      'DATABASE_URL leads through a pooler that gives no further session ' +
        `(PgBouncer: default_pool_size, max_db_connections): ${cause.message}`,
      { cause },
    );
  }
}

/**
 * So many are compared with the new one. Behind one address may be several poolers that know nothing of each other;
 * among one session more than there are poolers, two are of the same.
 */
const OTHERS = 3;
/** A pooler that shares server processes and is busy might show the same ones by chance: not so many times. */
const ROUNDS = 8;
/** For so long a pooler found fit is believed: each look needs further sessions of it. */
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
 * Only where the two differ it is looked closer, by further sessions: in session mode each keeps one process, and
 * never another's. In transaction mode one of them, inside a transaction, holds the process that another had.
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
  const look = compareWithOthers(client, pid, openAnother);
  believed.set(pooler, { sinceMs: performance.now(), look });
  try {
    await look;
  } catch (error) {
    believed.delete(pooler);
    throw error;
  }
}

async function compareWithOthers(
  client: Client,
  pid: number,
  openAnother: () => Client,
): Promise<void> {
  const others = Array.from({ length: OTHERS }, openAnother);
  const pids = new Map([[client, pid]]);
  const compare = async (session: Client) => {
    const found = await serverPid(session);
    const known = pids.get(session);
    const isShared = known === undefined ? [...pids.values()].includes(found) : known !== found;
    if (isShared) throw new PoolerUnsuitable();
    pids.set(session, found);
  };
  try {
    try {
      await Promise.all(others.map(connect));
      // None is in a transaction yet: of a pooler with one process the next would wait for its end.
      for (const other of others) await compare(other);
    } catch (error) {
      throw error instanceof Error && isAway(error) ? new NoFurtherSession(error) : error;
    }
    for (let round = 0; round < ROUNDS; round += 1) {
      const holder = others[round % OTHERS] as Client;
      await begin(holder);
      for (const session of [holder, client, ...others]) await compare(session);
      await bounded(holder, 'COMMIT');
    }
  } finally {
    await Promise.all(others.map((other) => other.end().catch(() => undefined)));
  }
}

async function connect(client: Client): Promise<void> {
  client.on('error', () => undefined);
  await client.connect();
}

async function begin(client: Client): Promise<void> {
  await bounded(client, 'BEGIN').catch((error: unknown) => {
    const isRefused = error instanceof DatabaseError && NO_TRANSACTIONS.test(error.message);
    throw isRefused ? new PoolerUnsuitable() : error;
  });
}

async function serverPid(client: Client): Promise<number> {
  const [row] = await bounded(client, 'SELECT pg_catalog.pg_backend_pid() AS pid');
  return Number(row?.['pid']);
}

async function bounded(client: Client, text: string): Promise<Record<string, unknown>[]> {
  const query: QueryConfig & { query_timeout: number } = { text, query_timeout: ANSWER_LIMIT_MS };
  return (await client.query<Record<string, unknown>>(query)).rows;
}

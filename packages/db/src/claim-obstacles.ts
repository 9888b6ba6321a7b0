import { sql } from 'kysely';
import type { Database } from './database.ts';

/** What keeps a source from being claimed without waiting. */
export interface ClaimObstacle {
  readonly kind:
    /** Another transaction holds the cursor row. */
    | 'cursor_locked'
    /** The backend the former owner wrote through was told to end and has not. */
    | 'former_owner_stays';
  /** One sentence with the coordinates. */
  readonly detail: string;
}

/** What `end_backend` raises where it waited in vain. */
const LOCK_NOT_AVAILABLE = '55P03';

/** The rest of its ending a backend does without anybody waiting. */
const EVICTION_WAIT_MS = 3_000;

interface Cursor {
  readonly sourceId: number;
  readonly owner: string | null;
  readonly pid: number | null;
  readonly start: string | null;
}

/**
 * Ends the backends of the sources' former owners, waiting up to 3 s for each, and says by source what would
 * hold a claim up all the same. Takes nothing and changes no row: the claim that follows evicts again
 * (docs/adr/0001), and then has nobody to wait for. Rows that name `owner` are left alone: its backend may be
 * the one that writes.
 */
export async function clearTheWay(
  db: Database,
  sourceIds: readonly number[],
  owner: string,
): Promise<Map<number, ClaimObstacle>> {
  const obstacles = new Map<number, ClaimObstacle>();
  const free = await freeCursors(db, sourceIds);
  for (const sourceId of sourceIds) {
    if (free.some((cursor) => cursor.sourceId === sourceId)) continue;
    const detail = `the cursor row of source ${sourceId} is locked by another transaction`;
    obstacles.set(sourceId, { kind: 'cursor_locked', detail });
  }
  const former = Map.groupBy(
    free.filter((cursor) => cursor.pid !== null && cursor.owner !== owner),
    ({ pid, start }) => `${pid} ${start}`,
  );
  await Promise.all(
    [...former.values()].map(async (cursors) => {
      const [named] = cursors as [Cursor];
      if (await hasEnded(db, named)) return;
      const detail = `backend ${named.pid} of the former owner ${named.owner} does not end`;
      for (const { sourceId } of cursors) {
        obstacles.set(sourceId, { kind: 'former_owner_stays', detail });
      }
    }),
  );
  return obstacles;
}

/** The cursors nobody holds a lock of. Their own locks end with the statement. */
async function freeCursors(db: Database, sourceIds: readonly number[]): Promise<Cursor[]> {
  if (sourceIds.length === 0) return [];
  return await db
    .selectFrom('cursors')
    .select([
      'source_id as sourceId',
      'owner',
      'backend_pid as pid',
      // As text: a Date has no microseconds, and the start must be exactly the one named.
      sql<string | null>`backend_start::text`.as('start'),
    ])
    .where('source_id', 'in', [...sourceIds])
    .orderBy('source_id')
    .forUpdate()
    .skipLocked()
    .execute();
}

async function hasEnded(db: Database, { sourceId, pid, start }: Cursor): Promise<boolean> {
  try {
    await sql`SELECT end_former_owner(${sourceId}::int, ${pid}::int, ${start}::timestamptz,
      ${EVICTION_WAIT_MS}::int)`.execute(db);
    return true;
  } catch (error) {
    if ((error as { code?: string }).code !== LOCK_NOT_AVAILABLE) throw error;
    return false;
  }
}

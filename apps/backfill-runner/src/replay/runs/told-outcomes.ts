import type { DatabaseExecutor } from '@adtally/db';

/** Offsets of an events source whose outcome stands, so that a replay passes over them. */
export interface ToldOutcomes {
  /** Their letters were discarded by a person. */
  readonly discarded: ReadonlySet<number>;
  /** The source itself found them in conflict and keeps their bytes. */
  readonly conflicts: ReadonlySet<number>;
}

/** What was decided about the offsets [first, end) of an events source. */
export async function toldOutcomes(
  db: DatabaseExecutor,
  eventsSourceId: number,
  first: number,
  end: number,
): Promise<ToldOutcomes> {
  const letters = await db
    .selectFrom('dead_letters')
    .select('source_offset')
    .where('source_id', '=', eventsSourceId)
    .where('source_offset', '>=', BigInt(first))
    .where('source_offset', '<', BigInt(end))
    .where('state', '=', 'discarded')
    .execute();
  const conflicts = await db
    .selectFrom('conflicts')
    .select('source_offset')
    .where('source_id', '=', eventsSourceId)
    .where('source_offset', '>=', BigInt(first))
    .where('source_offset', '<', BigInt(end))
    .execute();
  return { discarded: offsetsOf(letters), conflicts: offsetsOf(conflicts) };
}

function offsetsOf(rows: readonly { readonly source_offset: bigint }[]): Set<number> {
  return new Set(rows.map((row) => Number(row.source_offset)));
}

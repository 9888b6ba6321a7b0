import { sql } from 'kysely';
import type { Database } from './database.ts';
import type { MisroutedSourcesTable } from './schema/topics.ts';

/** Misrouted records of one source, as a process has counted them since it last said so. */
export interface MisroutedRecords {
  /** As records name it; empty where they do not. */
  readonly source: string;
  readonly cause: MisroutedSourcesTable['cause'];
  /** About how many: of a batch with many some are looked at. */
  readonly records: number;
  /** The latest of them. */
  readonly partition: number;
  readonly offset: number;
  readonly detail: string;
}

export interface ListedMisrouting extends MisroutedRecords {
  readonly topic: string;
  readonly firstSeenAt: Date;
  readonly lastSeenAt: Date;
}

/** So many sources of a topic are told apart: whoever names them anew with each record fills no table. */
const SOURCES_MAX = 200;
/** Stands for all further ones. */
export const OTHER_SOURCES = '(others)';

/**
 * Adds to what is known of a topic's misrouted records. A help for people: what a process that dies has not said is
 * missing, and the ledger knows nothing of it.
 */
export async function noteMisrouted(
  db: Database,
  topic: string,
  noted: readonly MisroutedRecords[],
): Promise<void> {
  if (noted.length === 0) return;
  const known = await db
    .selectFrom('misrouted_sources')
    .select('source')
    .distinct()
    .where('topic', '=', topic)
    .execute();
  const named = new Set(known.map(({ source }) => source));
  const rows = new Map<string, MisroutedRecords>();
  for (const one of noted) {
    if (named.size < SOURCES_MAX) named.add(one.source);
    const source = named.has(one.source) ? one.source : OTHER_SOURCES;
    const key = JSON.stringify([source, one.cause]);
    const records = one.records + (rows.get(key)?.records ?? 0);
    rows.set(key, { ...one, source, records });
  }
  // In one order, so that two processes never wait for each other's rows.
  const inOrder = [...rows].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, row]) => row);
  await db
    .insertInto('misrouted_sources')
    .values(
      inOrder.map(({ source, cause, records, partition, offset, detail }) => ({
        topic,
        source,
        cause,
        records: BigInt(Math.round(records)),
        partition,
        source_offset: BigInt(offset),
        detail,
      })),
    )
    .onConflict((conflict) =>
      conflict.columns(['topic', 'source', 'cause']).doUpdateSet({
        records: sql`misrouted_sources.records + excluded.records`,
        last_seen_at: sql`clock_timestamp()`,
        partition: sql`excluded.partition`,
        source_offset: sql`excluded.source_offset`,
        detail: sql`excluded.detail`,
      }),
    )
    .execute();
}

/** What is known of misrouted records, the source seen last first. */
export async function listMisrouting(db: Database, topic?: string): Promise<ListedMisrouting[]> {
  const rows = await db
    .selectFrom('misrouted_sources')
    .selectAll()
    .$if(topic !== undefined, (query) => query.where('topic', '=', topic ?? ''))
    .orderBy('last_seen_at', 'desc')
    .execute();
  return rows.map((row) => ({
    topic: row.topic,
    source: row.source,
    cause: row.cause,
    records: Number(row.records),
    partition: row.partition,
    offset: Number(row.source_offset),
    detail: row.detail,
    firstSeenAt: row.first_seen_at,
    lastSeenAt: row.last_seen_at,
  }));
}

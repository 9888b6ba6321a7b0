import type { Client } from 'pg';
import type { Commit } from './latencies.ts';

interface Row {
  readonly partition: number;
  readonly first: number;
  readonly end: number;
  readonly at: number;
}

/** What the ledger says of every commit: which offsets it counts, and when. */
export async function readCommits(database: Client): Promise<Commit[]> {
  const { rows } = await database.query<Row>(
    `SELECT s.partition, l.first_offset::float8 AS first, l.end_offset::float8 AS end,
            extract(epoch FROM l.committed_at)::float8 * 1000 AS at
     FROM ledger l JOIN sources s USING (source_id)
     WHERE s.kind = 'events' AND l.first_offset IS NOT NULL`,
  );
  return rows.map(({ at, ...commit }) => ({ ...commit, atMs: at }));
}

import type { DatabaseExecutor } from '@adtally/db';
import { sql } from 'kysely';
import type { Manifest } from './manifest.ts';

interface Purged {
  readonly source: string;
  readonly events: string;
  readonly fingerprint: string;
  readonly first_offset: string;
  readonly end_offset: string;
}

/**
 * Where a day's manifest differs first from what the ledger was told of the day when it was dropped.
 *
 * @returns a sentence; undefined where they are equal, or the day was not dropped here
 */
export async function purgedDifference(
  db: DatabaseExecutor,
  { day, sources }: Manifest,
): Promise<string | undefined> {
  const rows: Purged[] = await db
    .selectFrom('retired_days as d')
    .innerJoin('retired_day_counts as c', 'c.day', 'd.day')
    .select((eb) => [
      eb.cast<string>('c.source_id', 'text').as('source'),
      eb.cast<string>('c.rows', 'text').as('events'),
      eb.cast<string>('c.fingerprint', 'text').as('fingerprint'),
      eb.cast<string>('c.first_offset', 'text').as('first_offset'),
      eb.cast<string>('c.end_offset', 'text').as('end_offset'),
    ])
    .where('d.day', '=', sql<Date>`${day}::date`)
    .where('d.dropped_at', 'is not', null)
    .execute();
  if (rows.length === 0) return undefined;
  const textOf = ({ events, fingerprint, first_offset, end_offset }: Purged) =>
    `${events} events in [${first_offset}, ${end_offset}), fingerprint ${fingerprint}`;
  const purged = new Map(rows.map((row) => [row.source, textOf(row)]));
  const stated = new Map(sources.map((source) => [source.source, textOf(source)]));
  for (const source of new Set([...purged.keys(), ...stated.keys()])) {
    const [left, kept] = [purged.get(source) ?? 'none', stated.get(source) ?? 'none'];
    if (left !== kept)
      return `source ${source}: the manifest says ${kept}, ${left} left the ledger`;
  }
  return undefined;
}

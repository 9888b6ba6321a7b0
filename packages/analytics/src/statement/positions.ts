import type { DatabaseExecutor } from '@adtally/db';
import { RefusedError } from '../versions.ts';
import type { SourcePosition } from './document.ts';

/** Where every source of events stands, in the caller's snapshot; one that stored nothing yet is left out. */
export async function readPositions(trx: DatabaseExecutor): Promise<SourcePosition[]> {
  const rows = await trx
    .selectFrom('sources as s')
    .innerJoin('cursors as c', 'c.source_id', 's.source_id')
    .select([
      's.source_id',
      's.kind',
      's.topic',
      's.topic_id',
      's.partition',
      's.run',
      'c.next_offset',
    ])
    // The copy of the DLQ topic stores letters, no events.
    .where('s.kind', '<>', 'dlq')
    .where('c.next_offset', '>', 0n)
    .orderBy('s.source_id')
    .execute();
  return rows.map(({ source_id, next_offset, partition, ...row }) => ({
    source: String(source_id),
    ...row,
    partition: String(partition),
    next_offset: String(next_offset),
  }));
}

/**
 * @throws RefusedError where the database is not the one whose sources these are, or is behind them: then its events say
 *   nothing about the statement
 */
export async function requirePositions(
  trx: DatabaseExecutor,
  positions: readonly SourcePosition[],
): Promise<void> {
  const now = new Map((await readPositions(trx)).map((position) => [position.source, position]));
  for (const position of positions) {
    const { source, topic, partition, next_offset } = position;
    const found = now.get(source);
    const name = `source ${source}, ${topic}[${partition}]`;
    if (found === undefined || nameOf(found) !== nameOf(position)) {
      throw new RefusedError(
        `this database does not know ${name}: it is not the one it was issued from`,
      );
    }
    if (BigInt(found.next_offset) < BigInt(next_offset)) {
      throw new RefusedError(
        `this database is behind it: of ${name} it has counted up to ${found.next_offset}, not ${next_offset}`,
      );
    }
  }
}

function nameOf({ kind, topic, topic_id, partition, run }: SourcePosition): string {
  return JSON.stringify([kind, topic, topic_id, partition, run]);
}

import { sql } from 'kysely';
import type { DatabaseExecutor } from '@adtally/db';

/** Where the alerter stands in one partition of the dead topic. */
export interface DeadTopicPosition {
  readonly topicId: string;
  readonly partition: number;
  readonly nextOffset: bigint;
  /** Append time of the last record read; null before the first. */
  readonly lastAppendAt: Date | null;
}

/** Positions in every topic that ever had this name. */
export async function deadTopicPositions(
  db: DatabaseExecutor,
  topic: string,
): Promise<DeadTopicPosition[]> {
  return await db
    .selectFrom('dead_topic_positions')
    .select([
      'topic_id as topicId',
      'partition',
      'next_offset as nextOffset',
      'last_append_at as lastAppendAt',
    ])
    .where('topic', '=', topic)
    .orderBy('topic_id')
    .orderBy('partition')
    .execute();
}

/** Sets a position outright: a first start, or behind a loss. Reading on is `advanceDeadTopic`. */
export async function placeDeadTopicPosition(
  db: DatabaseExecutor,
  place: {
    readonly topic: string;
    readonly topicId: string;
    readonly partition: number;
    readonly nextOffset: number;
  },
): Promise<void> {
  await db
    .insertInto('dead_topic_positions')
    .values({
      topic: place.topic,
      topic_id: place.topicId,
      partition: place.partition,
      next_offset: BigInt(place.nextOffset),
    })
    .onConflict((conflict) =>
      conflict
        .columns(['topic_id', 'partition'])
        .doUpdateSet({ next_offset: BigInt(place.nextOffset) }),
    )
    .execute();
}

export interface DeadTopicAdvance {
  readonly partition: number;
  /** Where the batch assumed the position. */
  readonly from: number;
  readonly next: number;
  readonly lastAppendMs: number;
}

/** The position is not where the batch assumed it: somebody else wrote. */
export class PositionMoved extends Error {
  override readonly name = 'PositionMoved';
}

/** Moves positions forward by compare-and-swap. @throws PositionMoved; nothing may commit then */
export async function advanceDeadTopic(
  trx: DatabaseExecutor,
  topicId: string,
  advances: readonly DeadTopicAdvance[],
): Promise<void> {
  for (const { partition, from, next, lastAppendMs } of advances) {
    const { numUpdatedRows } = await trx
      .updateTable('dead_topic_positions')
      .set({
        next_offset: BigInt(next),
        last_append_at: sql`greatest(last_append_at, ${new Date(lastAppendMs)}::timestamptz)`,
      })
      .where('topic_id', '=', topicId)
      .where('partition', '=', partition)
      .where('next_offset', '=', BigInt(from))
      .executeTakeFirst();
    if (numUpdatedRows !== 1n) {
      throw new PositionMoved(`partition ${partition} is not at ${from} any more`);
    }
  }
}

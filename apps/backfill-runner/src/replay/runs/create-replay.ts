import { type Database, recordAction, type Operator, insertSource } from '@adtally/db';

/** What a replay is to read of one partition: offsets of the events topic, [first, end). */
export interface ReplayRange {
  readonly partition: number;
  /** The source of kind `events` whose offsets these are. */
  readonly eventsSourceId: number;
  readonly first: number;
  readonly end: number;
  /** So many offsets from `first` on are no longer in the log; reading begins after them. */
  readonly missing: number;
  /** Offsets asked for past the live cursor: the consumer's, and not part of the range. */
  readonly beyondCursor: number;
}

export interface CreateReplayRequest extends Operator {
  readonly topic: string;
  readonly topicId: string;
  readonly ranges: readonly ReplayRange[];
  /** Records a second; null = as fast as it goes. */
  readonly rate: number | null;
}

/**
 * Makes a replay: the run, a source of kind `replay` for each partition (genesis 0, it numbers its own
 * writes) and the operator's signature, all in one transaction. Returns the run's id.
 */
export async function createReplay(db: Database, request: CreateReplayRequest): Promise<bigint> {
  const { topic, topicId, ranges, rate, actor, reason } = request;
  return await db.transaction().execute(async (trx) => {
    const { run_id: runId } = await trx
      .insertInto('replay_runs')
      .values({ topic, topic_id: topicId, rate, actor, reason })
      .returning('run_id')
      .executeTakeFirstOrThrow();
    for (const { partition, eventsSourceId, first, end, missing, beyondCursor } of ranges) {
      const run = String(runId);
      const source = { kind: 'replay', topic, topicId, partition, run } as const;
      await trx
        .insertInto('replay_progress')
        .values({
          run_id: runId,
          partition,
          source_id: await insertSource(trx, source, 0n),
          events_source_id: eventsSourceId,
          first_offset: BigInt(first),
          end_offset: BigInt(end),
          next_offset: BigInt(first + missing),
          missing: BigInt(missing),
          beyond_cursor: BigInt(beyondCursor),
        })
        .execute();
    }
    await recordAction(trx, { actor, reason }, 'replay', {
      run_id: Number(runId),
      topic,
      topic_id: topicId,
      ranges: ranges.map(({ partition, first, end }) => ({ partition, first, end })),
    });
    return runId;
  });
}

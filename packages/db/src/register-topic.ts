import { sql } from 'kysely';
import { ADVISORY_LOCKS, ADVISORY_LOCK_CLASS } from './advisory-locks.ts';
import type { Database, DatabaseExecutor } from './database.ts';

export interface RegisterTopicRequest {
  readonly topic: string;
  /** Kafka's own identity of the topic: another id under the same name is another topic. */
  readonly topicId: string;
  /** How many partitions it has now. */
  readonly partitions: number;
  /** First offset to count, asked only for sources made on a first start. */
  readonly genesis: (partition: number) => bigint | Promise<bigint>;
}

export interface RegisteredPartition {
  readonly partition: number;
  readonly sourceId: number;
  readonly state: 'ready' | 'halted';
  /** Why it is halted; absent when ready. */
  readonly haltedCode?: string;
}

/** Halt of sources whose topic was deleted and created again under its name. */
export const HALT_TOPIC_RECREATED = 'topic_recreated';

/** State of a source that was closed for good, should its old topic id come back. */
export const HALT_SOURCE_CLOSED = 'source_closed';

/** A partition added to a known topic has been empty until now: all of it counts. */
const ADDED_PARTITION_GENESIS = 0n;

interface KnownSource {
  readonly source_id: number;
  readonly topic_id: string;
  readonly partition: number;
  readonly closed_at: Date | null;
  readonly halted_code: string | null;
}

/**
 * Finds or makes the sources of a topic's partitions, each with its genesis row and cursor, all in
 * one transaction; one registration at a time.
 *
 * - first start (no source of this name, or all closed after an accepted loss): every partition
 *   gets a source beginning at `genesis(partition)`
 * - a known topic id: partitions added since begin at 0
 * - the name is known under another id: the topic was recreated. Its sources are halted with
 *   `topic_recreated` and returned as such, until an operator has accepted the loss of all of them
 */
export async function registerTopic(
  db: Database,
  request: RegisterTopicRequest,
): Promise<RegisteredPartition[]> {
  return await db.transaction().execute(async (trx) => {
    await sql`SELECT pg_advisory_xact_lock(${sql.lit(ADVISORY_LOCK_CLASS)}, ${sql.lit(ADVISORY_LOCKS.sources)})`.execute(
      trx,
    );
    const known = await knownSources(trx, request.topic);
    const others = known.filter((source) => source.topic_id !== request.topicId);
    if (others.some((source) => source.closed_at === null)) {
      return await haltRecreated(trx, request, others);
    }
    const ours = known.filter((source) => source.topic_id === request.topicId);
    const partitions: RegisteredPartition[] = [];
    for (let partition = 0; partition < request.partitions; partition += 1) {
      const source = ours.find((candidate) => candidate.partition === partition);
      if (source !== undefined) {
        partitions.push(registered(source));
      } else {
        const genesis =
          ours.length > 0 ? ADDED_PARTITION_GENESIS : await request.genesis(partition);
        const sourceId = await createSource(trx, request, partition, genesis);
        partitions.push({ partition, sourceId, state: 'ready' });
      }
    }
    return partitions;
  });
}

async function knownSources(trx: DatabaseExecutor, topic: string): Promise<KnownSource[]> {
  return await trx
    .selectFrom('sources as s')
    .innerJoin('cursors as c', 'c.source_id', 's.source_id')
    .select(['s.source_id', 's.topic_id', 's.partition', 's.closed_at', 'c.halted_code'])
    .where('s.kind', '=', 'events')
    .where('s.topic', '=', topic)
    .orderBy('s.source_id')
    .execute();
}

function registered(source: KnownSource): RegisteredPartition {
  const haltedCode = source.closed_at === null ? source.halted_code : HALT_SOURCE_CLOSED;
  return {
    partition: source.partition,
    sourceId: source.source_id,
    ...(haltedCode === null ? { state: 'ready' } : { state: 'halted', haltedCode }),
  };
}

/** Halts without asking for an epoch: nobody may write for a topic that is gone. */
async function haltRecreated(
  trx: DatabaseExecutor,
  request: RegisterTopicRequest,
  others: readonly KnownSource[],
): Promise<RegisteredPartition[]> {
  const open = others.filter((source) => source.closed_at === null);
  for (const source of open.filter((candidate) => candidate.halted_code === null)) {
    await sql`
      UPDATE cursors SET halted_code = ${HALT_TOPIC_RECREATED},
        halted_detail = ${`topic ${request.topic} was ${source.topic_id} and is ${request.topicId} now`},
        halted_resume_at = NULL, halted_at = clock_timestamp()
      WHERE source_id = ${source.source_id} AND halted_code IS NULL`.execute(trx);
  }
  // The newest source of a partition stands for it; a partition only the new topic has, has none yet.
  const newest = new Map(others.map((source) => [source.partition, source]));
  return [...newest.values()]
    .filter((source) => source.partition < request.partitions)
    .toSorted((a, b) => a.partition - b.partition)
    .map((source) => ({
      partition: source.partition,
      sourceId: source.source_id,
      state: 'halted',
      haltedCode: source.halted_code ?? HALT_TOPIC_RECREATED,
    }));
}

async function createSource(
  trx: DatabaseExecutor,
  request: RegisterTopicRequest,
  partition: number,
  genesis: bigint,
): Promise<number> {
  const { source_id } = await trx
    .insertInto('sources')
    .values({ kind: 'events', topic: request.topic, topic_id: request.topicId, partition })
    .returning('source_id')
    .executeTakeFirstOrThrow();
  await trx
    .insertInto('ledger')
    .values({ source_id, first_offset: null, end_offset: genesis, epoch: 0n })
    .execute();
  await trx.insertInto('cursors').values({ source_id, next_offset: genesis }).execute();
  return source_id;
}

import type { TopicRules } from '@adtally/event-schema';
import { sql } from 'kysely';
import type { Database, DatabaseExecutor } from './database.ts';
import { lockRegistration } from './registration-lock.ts';
import type { SourceKind } from './schema.ts';
import { noteTopicRules } from './topic-rules.ts';
import { noteTopicShare, type TopicShare } from './topic-shares.ts';

export interface RegisterTopicRequest {
  /** `events`: its records are counted. `dlq`: its records become letters. */
  readonly kind: 'events' | 'dlq';
  readonly topic: string;
  /** Kafka's own identity of the topic: another id under the same name is another topic. */
  readonly topicId: string;
  /** How many partitions it has now. */
  readonly partitions: number;
  /** Those of them that this database counts; left out = all. */
  readonly share?: TopicShare;
  /** By which its records are read where the database knows no rules of it yet; left out = nothing is noted. */
  readonly rules?: TopicRules;
  /** First offset to count, asked only for sources made on a first start. */
  readonly genesis: (partition: number) => bigint | Promise<bigint>;
}

export interface RegisteredPartition {
  readonly partition: number;
  readonly sourceId: number;
  readonly state: 'ready' | 'halted';
  /** Why it is halted; absent when ready. */
  readonly haltedCode?: string;
  /** Made by this registration: counting begins at its cursor. */
  readonly isNew: boolean;
  /** Its cursor at the time of this registration. */
  readonly nextOffset: number;
  /** The last record known to be counted; null where none is. */
  readonly lastRead: { readonly offset: number; readonly leaderEpoch: number } | null;
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
  readonly next_offset: bigint;
  readonly read_up_to: bigint | null;
  readonly read_leader_epoch: number | null;
  /** Of events: null where the topic has no rules. */
  readonly ruled_topic?: string | null | undefined;
  readonly share?: number[] | null | undefined;
}

/**
 * Finds or makes the sources of a topic's partitions that are counted here, each with its genesis row and cursor, all in
 * one transaction; one registration at a time.
 *
 * - first start (no source of this name, or all closed after an accepted loss): every partition
 *   gets a source beginning at `genesis(partition)`
 * - a known topic id: partitions added since begin at 0
 * - the name is known under another id: the topic was recreated. Its sources are halted with
 *   `topic_recreated` and returned as such, until an operator has accepted the loss of all of them
 *
 * @throws ShareDiffers where this database counts other partitions of it
 */
export async function registerTopic(
  db: Database,
  request: RegisterTopicRequest,
): Promise<RegisteredPartition[]> {
  return await db.transaction().execute(async (trx) => {
    await lockRegistration(trx);
    if (request.rules !== undefined) await noteTopicRules(trx, request.topic, request.rules);
    const share = request.share ?? null;
    if (request.kind === 'events') await noteTopicShare(trx, request.topic, share);
    const known = await knownSources(trx, request);
    const others = known.filter((source) => source.topic_id !== request.topicId);
    if (others.some((source) => source.closed_at === null)) {
      return await haltRecreated(trx, request, others);
    }
    const ours = known.filter((source) => source.topic_id === request.topicId);
    const partitions: RegisteredPartition[] = [];
    for (const partition of countedPartitions(request)) {
      const source = newestOf(ours, partition);
      if (source !== undefined) {
        partitions.push(registered(source));
      } else {
        const genesis =
          ours.length > 0 ? ADDED_PARTITION_GENESIS : await request.genesis(partition);
        const sourceId = await createSource(trx, request, partition, genesis);
        partitions.push({
          partition,
          sourceId,
          state: 'ready',
          isNew: true,
          nextOffset: Number(genesis),
          lastRead: null,
        });
      }
    }
    return partitions;
  });
}

/** The sources of all topics of a name, as one statement found them. */
export class KnownSources {
  readonly #sources: readonly KnownSource[];

  private constructor(sources: readonly KnownSource[]) {
    this.#sources = sources;
  }

  static async read(
    db: DatabaseExecutor,
    topic: Pick<RegisterTopicRequest, 'kind' | 'topic'>,
  ): Promise<KnownSources> {
    return new KnownSources(await knownSources(db, topic));
  }

  /** What `registerTopic` would say; null where it would have to note, make, halt or refuse something. */
  of(request: Omit<RegisterTopicRequest, 'genesis'>): RegisteredPartition[] | null {
    const { kind, topicId, rules, share } = request;
    const [first] = this.#sources;
    if (kind === 'events' && !isSameShare(first?.share ?? null, share ?? null)) return null;
    if (kind === 'events' && rules !== undefined && (first?.ruled_topic ?? null) === null)
      return null;
    const ours = this.#sources.filter((source) => source.topic_id === topicId);
    const isRecreated = this.#sources.some((one) => one.topic_id !== topicId && !one.closed_at);
    const found = countedPartitions(request).map((partition) => newestOf(ours, partition));
    if (isRecreated || found.includes(undefined)) return null;
    return (found as KnownSource[]).map(registered);
  }
}

/**
 * Finds or makes the retries' sources (kind `redrive`) of a DLQ topic's partitions, by partition: they number
 * the retries' own writes, so they outlive the topic.
 */
export async function registerRetries(
  db: Database,
  dlq: { readonly topic: string; readonly topicId: string; readonly partitions: number },
): Promise<Map<number, number>> {
  return await db.transaction().execute(async (trx) => {
    await lockRegistration(trx);
    const known = await trx
      .selectFrom('sources')
      .select(['partition', 'source_id'])
      .where('kind', '=', 'redrive')
      .where('topic', '=', dlq.topic)
      .execute();
    const sources = new Map(known.map((source) => [source.partition, source.source_id]));
    for (let partition = 0; partition < dlq.partitions; partition += 1) {
      if (sources.has(partition)) continue;
      const { topic, topicId } = dlq;
      const source = { kind: 'redrive', topic, topicId, partition } as const;
      sources.set(partition, await insertSource(trx, source, 0n));
    }
    return sources;
  });
}

function countedPartitions({
  partitions,
  share,
}: Pick<RegisterTopicRequest, 'partitions' | 'share'>): number[] {
  const all = Array.from({ length: partitions }, (_, partition) => partition);
  return share ? all.filter((partition) => share.includes(partition)) : all;
}

function isSameShare(one: TopicShare, other: TopicShare): boolean {
  if (one === null || other === null) return one === other;
  return one.length === other.length && one.every((partition) => other.includes(partition));
}

/** Of several the newest: those before it were closed, since the log had departed from what was counted. */
function newestOf(sources: readonly KnownSource[], partition: number): KnownSource | undefined {
  return sources.findLast((source) => source.partition === partition);
}

async function knownSources(
  trx: DatabaseExecutor,
  { kind, topic }: Pick<RegisterTopicRequest, 'kind' | 'topic'>,
): Promise<KnownSource[]> {
  return await trx
    .selectFrom('sources as s')
    .innerJoin('cursors as c', 'c.source_id', 's.source_id')
    .select([
      's.source_id',
      's.topic_id',
      's.partition',
      's.closed_at',
      'c.halted_code',
      'c.next_offset',
      'c.read_up_to',
      'c.read_leader_epoch',
    ])
    // Topics of dead letters have neither.
    .$if(kind === 'events', (query) =>
      query
        .leftJoin('topic_rules as r', 'r.topic', 's.topic')
        .leftJoin('topic_shares as h', 'h.topic', 's.topic')
        .select(['r.topic as ruled_topic', 'h.partitions as share']),
    )
    .where('s.kind', '=', kind)
    .where('s.topic', '=', topic)
    .orderBy('s.source_id')
    .execute();
}

function registered(source: KnownSource): RegisteredPartition {
  const haltedCode = source.closed_at === null ? source.halted_code : HALT_SOURCE_CLOSED;
  return {
    partition: source.partition,
    sourceId: source.source_id,
    isNew: false,
    nextOffset: Number(source.next_offset),
    lastRead: lastReadOf(source),
    ...(haltedCode === null ? { state: 'ready' } : { state: 'halted', haltedCode }),
  };
}

/** What lies past the cursor was not counted, whoever read it. */
function lastReadOf(source: KnownSource): RegisteredPartition['lastRead'] {
  const { read_up_to: upTo, read_leader_epoch: leaderEpoch, next_offset: cursor } = source;
  if (upTo === null || leaderEpoch === null || upTo > cursor) return null;
  return { offset: Number(upTo), leaderEpoch };
}

/** Halts without asking for an epoch: nobody may write for a topic that is gone. */
async function haltRecreated(
  trx: DatabaseExecutor,
  request: RegisterTopicRequest,
  others: readonly KnownSource[],
): Promise<RegisteredPartition[]> {
  const open = others.filter((source) => source.closed_at === null);
  for (const source of open.filter((candidate) => candidate.halted_code === null)) {
    await trx
      .updateTable('cursors')
      .set({
        halted_code: HALT_TOPIC_RECREATED,
        halted_detail: `topic ${request.topic} was ${source.topic_id} and is ${request.topicId} now`,
        halted_resume_at: null,
        halted_at: sql`clock_timestamp()`,
      })
      .where('source_id', '=', source.source_id)
      .where('halted_code', 'is', null)
      .execute();
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
      isNew: false,
      haltedCode: source.halted_code ?? HALT_TOPIC_RECREATED,
      nextOffset: Number(source.next_offset),
      lastRead: null,
    }));
}

async function createSource(
  trx: DatabaseExecutor,
  request: RegisterTopicRequest,
  partition: number,
  genesis: bigint,
): Promise<number> {
  const { kind, topic, topicId } = request;
  return await insertSource(trx, { kind, topic, topicId, partition }, genesis);
}

/** A source with its genesis row and its cursor. */
export async function insertSource(
  trx: DatabaseExecutor,
  source: { kind: SourceKind; topic: string; topicId: string; partition: number; run?: string },
  genesis: bigint,
): Promise<number> {
  const { kind, topic, topicId, partition, run = '' } = source;
  const { source_id } = await trx
    .insertInto('sources')
    .values({ kind, topic, topic_id: topicId, partition, run })
    .returning('source_id')
    .executeTakeFirstOrThrow();
  await trx
    .insertInto('ledger')
    .values({ source_id, first_offset: null, end_offset: genesis, epoch: 0n })
    .execute();
  await trx.insertInto('cursors').values({ source_id, next_offset: genesis }).execute();
  return source_id;
}

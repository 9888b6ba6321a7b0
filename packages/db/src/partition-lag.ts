import { sql } from 'kysely';
import type { DatabaseExecutor } from './database.ts';
import type { PartitionLagTable } from './schema/partitions.ts';

/** Sources that follow a topic's log; the others number writes of our own. */
const COUNTED_KINDS = ['events', 'dlq'] as const;
type CountedKind = (typeof COUNTED_KINDS)[number];

/** An open source of a counted topic with its cursor. */
export interface SourcePosition {
  readonly kind: CountedKind;
  readonly topic: string;
  readonly topicId: string;
  readonly partition: number;
  readonly sourceId: number;
  readonly nextOffset: number;
  /** Who wrote last and has not said goodbye. */
  readonly owner: string | null;
  /** The log's end as a consumer last noted it. */
  readonly knownEndOffset: number | null;
  readonly halted: { readonly code: string; readonly detail: string } | null;
  /** For how long the cursor has stood where it is, by the server's clock. */
  readonly idleMs: number;
}

/** The positions of all counted topics, those of topics accepted as lost left out. */
export async function sourcePositions(db: DatabaseExecutor): Promise<SourcePosition[]> {
  const rows = await db
    .selectFrom('sources as s')
    .innerJoin('cursors as c', 'c.source_id', 's.source_id')
    // The cursor's own ledger row: a foreign key says that it is there.
    .innerJoin('ledger as l', (join) =>
      join.onRef('l.source_id', '=', 'c.source_id').onRef('l.end_offset', '=', 'c.next_offset'),
    )
    .select([
      's.kind',
      's.topic',
      's.topic_id',
      's.partition',
      's.source_id',
      'c.next_offset',
      'c.owner',
      'c.known_end_offset',
      'c.halted_code',
      'c.halted_detail',
      sql<number>`extract(epoch FROM clock_timestamp() - l.committed_at)::double precision * 1000`.as(
        'idle_ms',
      ),
    ])
    .where('s.kind', 'in', COUNTED_KINDS)
    .where('s.closed_at', 'is', null)
    .orderBy('s.kind')
    .orderBy('s.topic')
    .orderBy('s.partition')
    .orderBy('s.source_id')
    .execute();
  return rows.map((row) => ({
    kind: row.kind as CountedKind,
    topic: row.topic,
    topicId: row.topic_id,
    partition: row.partition,
    sourceId: row.source_id,
    nextOffset: Number(row.next_offset),
    owner: row.owner,
    knownEndOffset: row.known_end_offset === null ? null : Number(row.known_end_offset),
    halted:
      row.halted_code === null ? null : { code: row.halted_code, detail: row.halted_detail ?? '' },
    idleMs: Math.max(0, row.idle_ms),
  }));
}

/** Why a partition does not move although records wait, and for how long. */
export interface Stuck {
  readonly code: string;
  readonly detail: string;
  readonly forMs: number;
}

/** What the leader found of one partition. Null is what is not known. */
export interface PartitionLag {
  readonly kind: PartitionLagTable['kind'];
  readonly topic: string;
  readonly partition: number;
  readonly sourceId: number | null;
  readonly nextOffset: number | null;
  readonly endOffset: number | null;
  readonly lagRecords: number | null;
  readonly lagSeconds: number | null;
  readonly ageFrom: PartitionLagTable['age_from'];
  readonly state: PartitionLagTable['state'];
  readonly owner: string | null;
  readonly stuck: Stuck | null;
}

/** Replaces what the leader before this look had found, in one statement. */
export async function replaceLag(
  db: DatabaseExecutor,
  partitions: readonly PartitionLag[],
): Promise<void> {
  await sql`
    WITH found AS (
      SELECT * FROM jsonb_to_recordset(${JSON.stringify(partitions)}::jsonb) AS f (
        kind text, topic text, partition int, "sourceId" int, "nextOffset" bigint, "endOffset" bigint,
        "lagRecords" bigint, "lagSeconds" double precision, "ageFrom" text, state text, owner text, stuck jsonb)
    ), gone AS (
      DELETE FROM partition_lag p WHERE NOT EXISTS (
        SELECT FROM found f WHERE (f.kind, f.topic, f.partition) = (p.kind, p.topic, p.partition))
    )
    INSERT INTO partition_lag
      (kind, topic, partition, source_id, next_offset, end_offset, lag_records, lag_seconds, age_from, state, owner,
       stuck_code, stuck_detail, stuck_since)
    SELECT kind, topic, partition, "sourceId", "nextOffset", "endOffset", "lagRecords", "lagSeconds", "ageFrom",
           state, owner, stuck ->> 'code', stuck ->> 'detail',
           clock_timestamp() - (stuck ->> 'forMs')::double precision * interval '1 millisecond'
    FROM found
    ON CONFLICT (kind, topic, partition) DO UPDATE SET
      source_id = excluded.source_id, next_offset = excluded.next_offset, end_offset = excluded.end_offset,
      lag_records = excluded.lag_records, lag_seconds = excluded.lag_seconds, age_from = excluded.age_from,
      state = excluded.state, owner = excluded.owner, stuck_code = excluded.stuck_code,
      stuck_detail = excluded.stuck_detail, stuck_since = excluded.stuck_since,
      observed_at = clock_timestamp()`.execute(db);
}

/** What a leader found so long ago is not true any more: nobody looks. */
export const LAG_STALE_MS = 20_000;

/** A partition as the leader last found it. */
export interface ObservedLag extends PartitionLag {
  /** How long ago that was, by the server's clock. */
  readonly observedMsAgo: number;
}

/** What a leader last found, of all counted topics or of one. Empty where none has looked yet. */
export async function readLag(db: DatabaseExecutor, topic?: string): Promise<ObservedLag[]> {
  let query = db
    .selectFrom('partition_lag')
    .selectAll()
    .select([
      sql<number>`extract(epoch FROM clock_timestamp() - observed_at)::double precision * 1000`.as(
        'observed_ms_ago',
      ),
      sql<
        number | null
      >`extract(epoch FROM clock_timestamp() - stuck_since)::double precision * 1000`.as(
        'stuck_ms',
      ),
    ])
    .orderBy('kind')
    .orderBy('topic')
    .orderBy('partition');
  if (topic !== undefined) query = query.where('topic', '=', topic);
  const rows = await query.execute();
  const numberOf = (value: bigint | null) => (value === null ? null : Number(value));
  return rows.map((row) => ({
    kind: row.kind,
    topic: row.topic,
    partition: row.partition,
    sourceId: row.source_id,
    nextOffset: numberOf(row.next_offset),
    endOffset: numberOf(row.end_offset),
    lagRecords: numberOf(row.lag_records),
    lagSeconds: row.lag_seconds,
    ageFrom: row.age_from,
    state: row.state,
    owner: row.owner,
    stuck:
      row.stuck_code === null
        ? null
        : { code: row.stuck_code, detail: row.stuck_detail ?? '', forMs: row.stuck_ms ?? 0 },
    observedMsAgo: Math.max(0, row.observed_ms_ago),
  }));
}

const SECOND_MS = 1_000;

/** A partition's lag as JSON, for whoever asks a service or a command; times are in seconds. */
export function shownLag(one: ObservedLag): object {
  return {
    kind: one.kind,
    topic: one.topic,
    partition: one.partition,
    source: one.sourceId,
    next_offset: one.nextOffset,
    end_offset: one.endOffset,
    lag_records: one.lagRecords,
    lag_seconds: one.lagSeconds,
    age_from: one.ageFrom,
    owner: one.owner,
    state: one.state,
    stuck:
      one.stuck === null
        ? null
        : {
            reason: one.stuck.code,
            detail: one.stuck.detail,
            seconds: Math.round(one.stuck.forMs / SECOND_MS),
          },
    observed_seconds_ago: one.observedMsAgo / SECOND_MS,
  };
}

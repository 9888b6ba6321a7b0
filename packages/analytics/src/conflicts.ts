import { type Database, type DatabaseExecutor, type Operator, recordAction } from '@adtally/db';
import { type EventType, PAYLOAD_COLUMNS } from '@adtally/event-schema';
import { sql } from 'kysely';
import type { EventPlace } from './figures/read-events.ts';
import { rfc3339Micros } from './rfc3339-micros.ts';

/** The values of an event by column of `events`; times are RFC 3339 in UTC with microseconds. */
export type EventValues = Readonly<Record<string, string | bigint | null>>;

/** A record whose event was stored before with another payload, beside the event as it is stored. */
export interface Conflict {
  readonly sourceId: number;
  /** Where the conflicting record lies. */
  readonly place: EventPlace;
  readonly recordedAt: Date;
  readonly impressionId: string;
  readonly eventKey: string;
  readonly record: {
    readonly key: Buffer | null;
    readonly value: Buffer;
    /** As `encodeHeaders` writes them. */
    readonly headers: Buffer;
  };
  /** Null where the event is not stored any more. */
  readonly stored: {
    readonly type: EventType;
    readonly values: EventValues;
    readonly place: EventPlace;
  } | null;
  /** How many bookings there are for the event, by whichever of its conflicts. */
  readonly bookings: number;
}

export interface ConflictFilter {
  /** Of the stored event. */
  readonly campaignId?: string | undefined;
  readonly sourceId?: number | undefined;
  readonly topic?: string | undefined;
  readonly partition?: number | undefined;
  readonly offset?: bigint | undefined;
  /** RFC 3339, by when the conflict was found: from `since` on, before `until`. */
  readonly since?: string | undefined;
  readonly until?: string | undefined;
}

/** Conflicts, the newest first. A replay's own are left out: it reads records again that are among the others. */
export async function findConflicts(
  db: DatabaseExecutor,
  filter: ConflictFilter,
  limit: number,
): Promise<Conflict[]> {
  const rows = await conflictsOf(db, filter)
    .orderBy('c.recorded_at', 'desc')
    .orderBy('c.source_id')
    .orderBy('c.source_offset', 'desc')
    .limit(limit)
    .execute();
  return rows.map((row) => ({
    sourceId: row.source_id,
    place: {
      kind: row.kind,
      topic: row.topic,
      partition: row.partition,
      offset: row.source_offset,
    },
    recordedAt: row.recorded_at,
    impressionId: row.impression_id,
    eventKey: row.event_key,
    record: { key: row.key, value: row.value, headers: row.headers },
    stored: storedOf(row),
    bookings: Number(row.bookings),
  }));
}

/** How many conflicts there are. */
export async function countConflicts(
  db: DatabaseExecutor,
  filter: ConflictFilter,
): Promise<bigint> {
  const { n } = await conflictsOf(db, filter)
    .clearSelect()
    .select(({ fn }) => fn.countAll<bigint>().as('n'))
    .executeTakeFirstOrThrow();
  return n;
}

/** Notes that somebody reads a conflict's bytes, as for dead letters. */
export async function noteReveal(
  db: Database,
  operator: Operator,
  { sourceId, place }: Conflict,
): Promise<void> {
  const detail = { source: sourceId, offset: String(place.offset) };
  await recordAction(db, operator, 'reveal-conflict', detail);
}

function conflictsOf(db: DatabaseExecutor, filter: ConflictFilter) {
  const { campaignId, sourceId, topic, partition, offset, since, until } = filter;
  return db
    .selectFrom('conflicts as c')
    .innerJoin('sources as s', 's.source_id', 'c.source_id')
    .leftJoin('events as e', (join) =>
      join
        .onRef('e.impression_id', '=', 'c.impression_id')
        .onRef('e.event_key', '=', 'c.event_key'),
    )
    .leftJoin('sources as es', 'es.source_id', 'e.source_id')
    .select([
      'c.source_id',
      'c.source_offset',
      'c.recorded_at',
      'c.impression_id',
      'c.event_key',
      's.kind',
      's.topic',
      's.partition',
      // The driver gives buffers.
      sql<Buffer | null>`c.record_key`.as('key'),
      sql<Buffer>`c.record_value`.as('value'),
      sql<Buffer>`c.record_headers`.as('headers'),
      'e.event_type as stored_type',
      'e.source_offset as stored_offset',
      'es.kind as stored_kind',
      'es.topic as stored_topic',
      'es.partition as stored_partition',
      ...PAYLOAD_COLUMNS.map(({ name, kind }) =>
        (kind === 'time'
          ? rfc3339Micros(`e.${name}`)
          : sql<string | bigint | null>`${sql.ref(`e.${name}`)}`
        ).as(storedName(name)),
      ),
      sql<bigint>`(SELECT count(*) FROM adjustments a
        WHERE a.impression_id = c.impression_id AND a.event_key = c.event_key)`.as('bookings'),
    ])
    .where('s.kind', '<>', 'replay')
    .$if(campaignId !== undefined, (query) => query.where('e.campaign_id', '=', campaignId ?? ''))
    .$if(sourceId !== undefined, (query) => query.where('c.source_id', '=', sourceId ?? 0))
    .$if(topic !== undefined, (query) => query.where('s.topic', '=', topic ?? ''))
    .$if(partition !== undefined, (query) => query.where('s.partition', '=', partition ?? 0))
    .$if(offset !== undefined, (query) => query.where('c.source_offset', '=', offset ?? 0n))
    .$if(since !== undefined, (query) =>
      query.where('c.recorded_at', '>=', sql<Date>`${since}::timestamptz`),
    )
    .$if(until !== undefined, (query) =>
      query.where('c.recorded_at', '<', sql<Date>`${until}::timestamptz`),
    );
}

const STORED = 'stored_value_';

function storedName(column: string): `stored_value_${string}` {
  return `${STORED}${column}`;
}

function storedOf(
  row: Pick<
    Awaited<ReturnType<ReturnType<typeof conflictsOf>['executeTakeFirstOrThrow']>>,
    'stored_type' | 'stored_offset' | 'stored_kind' | 'stored_topic' | 'stored_partition'
  >,
): Conflict['stored'] {
  const { stored_type: type, stored_offset: offset } = row;
  const { stored_kind: kind, stored_topic: topic, stored_partition: partition } = row;
  if (type === null || offset === null || kind === null || topic === null || partition === null) {
    return null;
  }
  const values = Object.entries(row as unknown as EventValues)
    .filter(([name]) => name.startsWith(STORED))
    .map(([name, value]) => [name.slice(STORED.length), value] as const);
  return { type, values: Object.fromEntries(values), place: { kind, topic, partition, offset } };
}

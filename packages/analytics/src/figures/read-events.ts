import type { DatabaseExecutor, Schema } from '@adtally/db';
import type { EventType } from '@adtally/event-schema';
import { type RawBuilder, sql } from 'kysely';
import type { RollupDefinition } from '../definitions.ts';
import { kindNumbered } from '../measures.ts';
import { rfc3339Micros } from '../rfc3339-micros.ts';
import { type Asked, isOfCampaign, isOfType, isWithin } from './asked.ts';
import type { EventClass } from './classes.ts';
import { storedEvents } from '../stored-events.ts';
import { cohortsOf, countedEvents, readingCounted } from './counted-sql.ts';
import { readUncounted, waitingEvents } from './waiting-sql.ts';

/** Where an event's record lies. */
export interface EventPlace {
  /** `redrive`: its letter was tried again, and the offset numbers the tries; `replay`: it numbers the events replayed. */
  readonly kind: Schema['sources']['kind'];
  readonly topic: string;
  readonly partition: number;
  readonly offset: bigint;
}

/** An event behind a figure, and why it counts or not. */
export interface FigureEvent {
  readonly type: EventType;
  readonly eventClass: EventClass;
  /** RFC 3339 in UTC with microseconds. */
  readonly occurredAt: string;
  readonly impressionId: string;
  readonly eventKey: string;
  readonly clickId: string | null;
  readonly conversionId: string | null;
  /** For which it counts. */
  readonly campaignId: string;
  /** Its own; another one where a click or impression of another campaign earned it. */
  readonly ownCampaignId: string;
  readonly amountMicros: bigint;
  readonly currency: string;
  readonly place: EventPlace;
  /** The click that earned it. */
  readonly earnedBy: { readonly clickId: string | null; readonly place: EventPlace } | null;
}

const FETCHED = 1_000;
const CURSOR = 'figure_events';

/**
 * The events that the version's figures count, in the order of their impressions' ids, and after them those that wait.
 * Holds 1,000 of them at a time. In the snapshot of `readFigures` the events of each class are as many as it says.
 *
 * @param take gets each; false ends it
 */
export async function readEvents(
  trx: DatabaseExecutor,
  definition: RollupDefinition,
  asked: Asked,
  take: (event: FigureEvent) => Promise<boolean>,
): Promise<void> {
  const sources = await readSources(trx);
  const stored = await storedEvents(trx);
  for (const cohorts of await cohortsOf(trx, definition, asked)) {
    const counted = sql`WITH ${countedEvents(definition, cohorts, stored)}
      SELECT ${IDENTIFIED}, kind, own_campaign_id, earned_by_click_id, earned_by_source_id, earned_by_source_offset
      FROM attributed
      WHERE ${isWithin('occurred_at', asked.period)} AND ${isOfCampaign(asked)} AND ${isOfType(asked)}
      ORDER BY impression_id, attributed.occurred_at, event_type, event_key`;
    const goesOn = await readingCounted(trx, cohorts, () =>
      fetched(trx, counted, (row) => take(eventOf(row, sources))),
    );
    if (!goesOn) return;
  }
  const uncounted = await readUncounted(trx, definition);
  const waiting = sql`SELECT ${IDENTIFIED}, NULL::int AS kind, campaign_id AS own_campaign_id,
      NULL::uuid AS earned_by_click_id, NULL::int AS earned_by_source_id, NULL::bigint AS earned_by_source_offset
    FROM (${waitingEvents(definition, uncounted, asked)}) waiting
    ORDER BY impression_id, waiting.occurred_at, event_type, event_key`;
  await fetched(trx, waiting, (row) => take(eventOf(row, sources)));
}

const IDENTIFIED = sql`impression_id, event_key, event_type::text AS type, ${rfc3339Micros('occurred_at')} AS occurred,
  click_id, conversion_id, source_id, source_offset, amount_micros, currency, campaign_id`;

interface Row {
  readonly impression_id: string;
  readonly event_key: string;
  readonly type: EventType;
  readonly occurred: string;
  readonly click_id: string | null;
  readonly conversion_id: string | null;
  readonly source_id: number;
  readonly source_offset: bigint;
  readonly amount_micros: bigint;
  readonly currency: string;
  readonly campaign_id: string;
  /** Null where it waits. */
  readonly kind: number | null;
  readonly own_campaign_id: string;
  readonly earned_by_click_id: string | null;
  readonly earned_by_source_id: number | null;
  readonly earned_by_source_offset: bigint | null;
}

type Sources = ReadonlyMap<number, Omit<EventPlace, 'offset'>>;

async function readSources(trx: DatabaseExecutor): Promise<Sources> {
  const rows = await trx
    .selectFrom('sources')
    .select(['source_id', 'kind', 'topic', 'partition'])
    .execute();
  return new Map(rows.map(({ source_id, ...source }) => [source_id, source]));
}

/** Reads a query a part at a time; whether `take` wants more of others. */
async function fetched(
  trx: DatabaseExecutor,
  query: RawBuilder<unknown>,
  take: (row: Row) => Promise<boolean>,
): Promise<boolean> {
  await sql`DECLARE ${sql.id(CURSOR)} NO SCROLL CURSOR FOR ${query}`.execute(trx);
  for (;;) {
    const { rows } = await sql<Row>`FETCH ${sql.lit(FETCHED)} FROM ${sql.id(CURSOR)}`.execute(trx);
    for (const row of rows) if (!(await take(row))) return false;
    if (rows.length < FETCHED) break;
  }
  await sql`CLOSE ${sql.id(CURSOR)}`.execute(trx);
  return true;
}

function eventOf(row: Row, sources: Sources): FigureEvent {
  const earnedAt =
    row.earned_by_source_id === null || row.earned_by_source_offset === null
      ? null
      : placeOf(sources, row.earned_by_source_id, row.earned_by_source_offset);
  return {
    type: row.type,
    eventClass: row.kind === null ? 'waiting' : kindNumbered(row.kind),
    occurredAt: row.occurred,
    impressionId: row.impression_id,
    eventKey: row.event_key,
    clickId: row.click_id,
    conversionId: row.conversion_id,
    campaignId: row.campaign_id,
    ownCampaignId: row.own_campaign_id,
    amountMicros: row.amount_micros,
    currency: row.currency,
    place: placeOf(sources, row.source_id, row.source_offset),
    earnedBy: earnedAt === null ? null : { clickId: row.earned_by_click_id, place: earnedAt },
  };
}

function placeOf(sources: Sources, sourceId: number, offset: bigint): EventPlace {
  const source = sources.get(sourceId);
  if (source === undefined)
    throw new Error(`an event names source ${sourceId}, which is not there`);
  return { ...source, offset };
}

import { type Database, type DatabaseExecutor, type Operator, recordAction } from '@adtally/db';
import type { EventType } from '@adtally/event-schema';
import { sql } from 'kysely';
import type { Period } from './period.ts';
import { rfc3339Micros } from './rfc3339-micros.ts';
import { RefusedError } from './versions.ts';

/** Money booked by hand for an event of which a conflicting copy exists; it stands beside all figures. */
export interface Adjustment {
  readonly adjustmentId: bigint;
  readonly bookedAt: Date;
  readonly actor: string;
  readonly reason: string;
  /** The conflict it was booked for. */
  readonly sourceId: number;
  readonly offset: bigint;
  readonly impressionId: string;
  readonly eventKey: string;
  readonly eventType: EventType;
  /** RFC 3339 in UTC with microseconds: when the event happened, by which it falls into a day. */
  readonly occurredAt: string;
  readonly campaignId: string;
  readonly creativeId: string;
  readonly placementId: string;
  /** Added to the event's amount; negative takes away. */
  readonly amountMicros: bigint;
  readonly currency: string;
  /** How many it is of its event, from 1. */
  readonly booking: number;
  /** The adjustment that it takes back. */
  readonly undoes: bigint | null;
}

/** What to book for a conflict. */
export interface Booking {
  readonly sourceId: number;
  readonly offset: bigint;
  readonly amountMicros: bigint;
  readonly currency: string;
  /** Whether the event may have been adjusted before. */
  readonly again: boolean;
}

export interface AdjustmentFilter {
  readonly campaignId?: string | undefined;
  /** By when the event happened. */
  readonly period?: Pick<Period, 'fromMs' | 'toMs'> | undefined;
  /** Of this event. */
  readonly event?: { readonly impressionId: string; readonly eventKey: string } | undefined;
}

const UNIQUE_VIOLATION = '23505';

/**
 * Books an adjustment for a conflict, signed in `operator_actions`, in one transaction. The stored event and the
 * conflict stay as they are.
 *
 * @throws RefusedError where there is no such conflict or its event is gone, where the event was adjusted before and
 *   `again` is not set, or where another booking of it came first
 */
export async function bookAdjustment(
  db: Database,
  operator: Operator,
  booking: Booking,
): Promise<Adjustment> {
  return await inBooking(db, async (trx) => {
    const event = await eventOfConflict(trx, booking);
    const { booked } = await trx
      .selectFrom('adjustments')
      .select(({ fn }) => fn.coalesce(fn.max('booking'), sql<number>`0`).as('booked'))
      .where('impression_id', '=', event.impressionId)
      .where('event_key', '=', event.eventKey)
      .executeTakeFirstOrThrow();
    if (booked > 0 && !booking.again) {
      throw new RefusedError(`its event has been adjusted ${booked} times before`);
    }
    return await insert(trx, operator, { ...booking, event, booking: booked + 1, undoes: null });
  });
}

/**
 * Takes an adjustment back by booking its opposite, in one transaction.
 *
 * @throws RefusedError where there is none of that number, or it was taken back before
 */
export async function undoAdjustment(
  db: Database,
  operator: Operator,
  adjustmentId: bigint,
): Promise<Adjustment> {
  return await inBooking(db, async (trx) => {
    const { undone, booked } = await undoable(trx, adjustmentId);
    return await insert(trx, operator, {
      ...undone,
      event: undone,
      amountMicros: -undone.amountMicros,
      booking: booked + 1,
      undoes: adjustmentId,
    });
  });
}

/** An adjustment that can be taken back, as `undoAdjustment` would. @throws RefusedError as it does */
export async function readUndoable(
  db: DatabaseExecutor,
  adjustmentId: bigint,
): Promise<Adjustment> {
  return (await undoable(db, adjustmentId)).undone;
}

async function undoable(
  db: DatabaseExecutor,
  adjustmentId: bigint,
): Promise<{ readonly undone: Adjustment; readonly booked: number }> {
  const undone = await adjustmentsIn(db)
    .where('adjustment_id', '=', adjustmentId)
    .executeTakeFirst();
  if (undone === undefined) throw new RefusedError(`there is no adjustment ${adjustmentId}`);
  const { impressionId, eventKey } = undone;
  const ofEvent = await listAdjustments(db, { event: { impressionId, eventKey } });
  const before = ofEvent.find(({ undoes }) => undoes === adjustmentId);
  if (before !== undefined) {
    throw new RefusedError(`adjustment ${adjustmentId} was taken back by ${before.adjustmentId}`);
  }
  return { undone, booked: Math.max(...ofEvent.map(({ booking }) => booking)) };
}

/** Adjustments in the order in which they were booked. */
export async function listAdjustments(
  db: DatabaseExecutor,
  { campaignId, period, event }: AdjustmentFilter = {},
): Promise<Adjustment[]> {
  return await adjustmentsIn(db)
    .$if(campaignId !== undefined, (query) => query.where('campaign_id', '=', campaignId ?? ''))
    .$if(period !== undefined, (query) =>
      query
        .where('occurred_at', '>=', new Date(period?.fromMs ?? 0))
        .where('occurred_at', '<', new Date(period?.toMs ?? 0)),
    )
    .$if(event !== undefined, (query) =>
      query
        .where('impression_id', '=', event?.impressionId ?? '')
        .where('event_key', '=', event?.eventKey ?? ''),
    )
    .orderBy('adjustment_id')
    .execute();
}

type AdjustedEvent = Pick<
  Adjustment,
  | 'impressionId'
  | 'eventKey'
  | 'eventType'
  | 'occurredAt'
  | 'campaignId'
  | 'creativeId'
  | 'placementId'
>;

function adjustmentsIn(db: DatabaseExecutor) {
  return db
    .selectFrom('adjustments')
    .select([
      'adjustment_id as adjustmentId',
      'booked_at as bookedAt',
      'actor',
      'reason',
      'source_id as sourceId',
      'source_offset as offset',
      'impression_id as impressionId',
      'event_key as eventKey',
      'event_type as eventType',
      rfc3339Micros('occurred_at').as('occurredAt'),
      'campaign_id as campaignId',
      'creative_id as creativeId',
      'placement_id as placementId',
      'amount_micros as amountMicros',
      'currency',
      'booking',
      'undoes',
    ]);
}

async function eventOfConflict(
  trx: DatabaseExecutor,
  { sourceId, offset }: Booking,
): Promise<AdjustedEvent> {
  const found = await trx
    .selectFrom('conflicts as c')
    .innerJoin('events as e', (join) =>
      join
        .onRef('e.impression_id', '=', 'c.impression_id')
        .onRef('e.event_key', '=', 'c.event_key'),
    )
    .select([
      'e.impression_id as impressionId',
      'e.event_key as eventKey',
      'e.event_type as eventType',
      rfc3339Micros('e.occurred_at').as('occurredAt'),
      'e.campaign_id as campaignId',
      'e.creative_id as creativeId',
      'e.placement_id as placementId',
    ])
    .where('c.source_id', '=', sourceId)
    .where('c.source_offset', '=', offset)
    .executeTakeFirst();
  if (found === undefined) {
    throw new RefusedError(`no conflict ${sourceId}@${offset} whose event is still stored`);
  }
  return found;
}

async function insert(
  trx: DatabaseExecutor,
  operator: Operator,
  {
    event,
    ...row
  }: Omit<Booking, 'again'> & {
    readonly event: AdjustedEvent;
    readonly booking: number;
    readonly undoes: bigint | null;
  },
): Promise<Adjustment> {
  const { sourceId, offset, amountMicros, currency, booking, undoes } = row;
  const action_id = await recordAction(trx, operator, 'conflicts adjust', {
    source: sourceId,
    offset: String(offset),
    amount_micros: String(amountMicros),
    currency,
    undoes: undoes === null ? null : String(undoes),
  });
  const { adjustment_id } = await trx
    .insertInto('adjustments')
    .values({
      ...operator,
      action_id,
      source_id: sourceId,
      source_offset: offset,
      impression_id: event.impressionId,
      event_key: event.eventKey,
      event_type: event.eventType,
      occurred_at: sql`${event.occurredAt}::timestamptz`,
      campaign_id: event.campaignId,
      creative_id: event.creativeId,
      placement_id: event.placementId,
      amount_micros: amountMicros,
      currency,
      booking,
      undoes,
    })
    .returning('adjustment_id')
    .executeTakeFirstOrThrow();
  return await adjustmentsIn(trx)
    .where('adjustment_id', '=', adjustment_id)
    .executeTakeFirstOrThrow();
}

/** Of two bookings of one event at the same time one is refused by the table's keys: so neither has to lock it. */
async function inBooking<T>(db: Database, work: (trx: DatabaseExecutor) => Promise<T>): Promise<T> {
  try {
    return await db.transaction().execute(work);
  } catch (error) {
    if ((error as { code?: string }).code !== UNIQUE_VIOLATION) throw error;
    throw new RefusedError('another booking for this event came first: look again', {
      cause: error,
    });
  }
}

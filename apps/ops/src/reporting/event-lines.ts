import { classWords, type EventPlace, type FigureEvent } from '@adtally/analytics';
import { jsonInteger } from '@adtally/db';
import { coordinate, money, shortName } from '../words.ts';
import { csvLine } from './csv.ts';

export const EVENT_HEADER = ['OCCURRED', 'TYPE', 'AMOUNT', 'RECORD', 'IMPRESSION', 'WHY'];
export const EVENT_RIGHT_ALIGNED = new Set([2]);

export function eventCells(event: FigureEvent): string[] {
  return [
    event.occurredAt,
    event.type,
    `${money(event.amountMicros)} ${event.currency}`,
    placeText(event.place),
    event.impressionId,
    whyText(event),
  ];
}

/** Why it counts or not, in words: what it is counted as, and for whom. */
function whyText({ eventClass, earnedBy, campaignId, ownCampaignId }: FigureEvent): string {
  const by = earnedBy === null ? '' : ` ${earnedBy.clickId ?? ''} ${placeText(earnedBy.place)}`;
  const own =
    ownCampaignId === campaignId ? '' : `; its own campaign is ${shortName(ownCampaignId)}`;
  return `${classWords(eventClass)}${by}${own}`;
}

export function eventJson(event: FigureEvent): object {
  return {
    type: event.type,
    class: event.eventClass,
    why: classWords(event.eventClass),
    occurred_at: event.occurredAt,
    impression_id: event.impressionId,
    event_key: event.eventKey,
    click_id: event.clickId,
    conversion_id: event.conversionId,
    campaign: event.campaignId,
    own_campaign: event.ownCampaignId,
    amount_micros: event.amountMicros,
    currency: event.currency,
    ...placeJson(event.place),
    earned_by:
      event.earnedBy === null
        ? null
        : { click_id: event.earnedBy.clickId, ...placeJson(event.earnedBy.place) },
  };
}

const CSV_COLUMNS = [
  'type',
  'class',
  'occurred_at',
  'impression_id',
  'event_key',
  'click_id',
  'conversion_id',
  'campaign',
  'own_campaign',
  'amount_micros',
  'currency',
  'source_kind',
  'topic',
  'partition',
  'offset',
  'earned_by_click_id',
  'earned_by_topic',
  'earned_by_partition',
  'earned_by_offset',
] as const;

export const EVENT_CSV_HEADER = csvLine(CSV_COLUMNS);

export function eventCsv(event: FigureEvent): string {
  const { place, earnedBy } = event;
  return csvLine([
    event.type,
    event.eventClass,
    event.occurredAt,
    event.impressionId,
    event.eventKey,
    event.clickId,
    event.conversionId,
    event.campaignId,
    event.ownCampaignId,
    event.amountMicros,
    event.currency,
    place.kind,
    place.topic,
    place.partition,
    place.offset,
    earnedBy?.clickId ?? null,
    earnedBy?.place.topic ?? null,
    earnedBy?.place.partition ?? null,
    earnedBy?.place.offset ?? null,
  ]);
}

function placeText(place: EventPlace): string {
  return place.kind === 'events' ? coordinate(place) : `${place.kind} ${coordinate(place)}`;
}

function placeJson({ kind, topic, partition, offset }: EventPlace): object {
  return { source_kind: kind, topic, partition, offset: jsonInteger(offset) };
}

import type { Adjustment, Conflict } from '@adtally/analytics';
import { formatTable } from '@adtally/command-line';
import { decodeHeaders, jsonInteger } from '@adtally/db';
import { sourceName } from '@adtally/event-schema';
import { maskedText, maskRecord } from '../mask.ts';
import { coordinate, money, printable, shortName } from '../words.ts';
import { amountDifference, differences, type Difference } from './differences.ts';
import type { Copy } from './read-copies.ts';

/** A conflict with what this build reads in its record. */
export interface ReadConflict {
  readonly conflict: Conflict;
  readonly copy: Copy;
}

/** What differs; null where the event is gone or the record cannot be read. */
export function differencesOf({ conflict, copy }: ReadConflict): Difference[] | null {
  if (conflict.stored === null || copy.values === null) return null;
  return differences(conflict.stored.values, copy.values);
}

/** How much more the conflicting copy has, in the currency of both; null where that cannot be said. */
export function amountOf({ conflict, copy }: ReadConflict): bigint | null {
  if (conflict.stored === null || copy.values === null) return null;
  return amountDifference(conflict.stored.values, copy.values);
}

/** As it is named on the command line. */
export function nameOf({ sourceId, place }: Conflict): string {
  return place.kind === 'events' ? coordinate(place) : `${sourceId}@${place.offset}`;
}

const HEADER = [
  'CONFLICT',
  'FOUND',
  'TYPE',
  'CAMPAIGN',
  'DIFFERS IN',
  'AMOUNT',
  'SENT BY',
  'STORED',
  'BOOKED',
];
const RIGHT_ALIGNED = new Set([5, 8]);

export function conflictsText(conflicts: readonly ReadConflict[]): string {
  const rows = conflicts.map((one) => {
    const { conflict } = one;
    const { stored } = conflict;
    return [
      nameOf(conflict),
      conflict.recordedAt.toISOString(),
      stored?.type ?? '-',
      stored === null ? '-' : shortName(String(stored.values['campaign_id'])),
      differsText(one),
      amountText(one),
      printable(senderOf(conflict) ?? '-'),
      stored === null ? 'gone' : coordinate(stored.place),
      String(conflict.bookings),
    ];
  });
  return formatTable([HEADER, ...rows], RIGHT_ALIGNED);
}

export function conflictText(read: ReadConflict, bookings: readonly Adjustment[]): string {
  const { conflict, copy } = read;
  const { stored } = conflict;
  const facts = [
    ['conflict', nameOf(conflict)],
    ['record', `${coordinate(conflict.place)}, source ${conflict.sourceId}`],
    ['found', conflict.recordedAt.toISOString()],
    ['sent by', printable(senderOf(conflict) ?? '-')],
    ['event', `${conflict.impressionId} key ${conflict.eventKey}`],
    ['stored', stored === null ? 'gone' : `${stored.type} at ${coordinate(stored.place)}`],
    ['amount differs by', amountText(read)],
  ];
  const differing = differencesOf(read)?.map(({ column, ...values }) => [
    `  ${column}`,
    valueText(values.stored),
    valueText(values.conflicting),
  ]);
  return [
    formatTable(facts),
    ...(copy.values === null ? [`the record cannot be compared: ${printable(copy.problem)}`] : []),
    ...(differing === undefined
      ? []
      : [formatTable([['differs in', 'STORED', 'CONFLICTING'], ...differing])]),
    ...(bookings.length === 0 ? ['no adjustments'] : ['adjustments', adjustmentsText(bookings)]),
    maskedText(recordOf(conflict)),
  ].join('\n');
}

export function conflictJson(read: ReadConflict): object {
  const { conflict, copy } = read;
  const { place, stored } = conflict;
  return {
    conflict: nameOf(conflict),
    source: conflict.sourceId,
    source_kind: place.kind,
    topic: place.topic,
    partition: place.partition,
    offset: jsonInteger(place.offset),
    found_at: conflict.recordedAt.toISOString(),
    sent_by: senderOf(conflict),
    impression_id: conflict.impressionId,
    event_key: conflict.eventKey,
    type: stored?.type ?? null,
    campaign: stored?.values['campaign_id'] ?? null,
    stored_at:
      stored === null
        ? null
        : {
            topic: stored.place.topic,
            partition: stored.place.partition,
            offset: jsonInteger(stored.place.offset),
          },
    problem: copy.values === null ? copy.problem : null,
    differences: differencesOf(read),
    amount_difference_micros: amountOf(read),
    currency: stored?.values['currency'] ?? null,
    adjustments: conflict.bookings,
  };
}

export function maskedConflict({ record }: Conflict): object {
  return maskRecord({ ...record, headers: decodeHeaders(record.headers) });
}

export function recordOf({ record }: Conflict) {
  return { ...record, headers: decodeHeaders(record.headers) };
}

const BOOKED_HEADER = [
  'ADJUSTMENT',
  'BOOKED',
  'BY',
  'CONFLICT',
  'TYPE',
  'CAMPAIGN',
  'EVENT',
  'AMOUNT',
  '',
  'REASON',
];
const BOOKED_RIGHT = new Set([0, 7]);

export function adjustmentsText(adjustments: readonly Adjustment[]): string {
  const rows = adjustments.map((one) => [
    String(one.adjustmentId),
    one.bookedAt.toISOString(),
    printable(one.actor),
    `${one.sourceId}@${one.offset}`,
    one.eventType,
    shortName(one.campaignId),
    one.occurredAt,
    `${signedMoney(one.amountMicros)} ${one.currency}`,
    one.undoes === null ? '' : `undoes ${one.undoes}`,
    printable(one.reason),
  ]);
  return formatTable([BOOKED_HEADER, ...rows], BOOKED_RIGHT);
}

export function adjustmentJson(one: Adjustment): object {
  return {
    id: jsonInteger(one.adjustmentId),
    booked_at: one.bookedAt.toISOString(),
    actor: one.actor,
    reason: one.reason,
    source: one.sourceId,
    offset: jsonInteger(one.offset),
    impression_id: one.impressionId,
    event_key: one.eventKey,
    type: one.eventType,
    occurred_at: one.occurredAt,
    campaign: one.campaignId,
    creative: one.creativeId,
    placement: one.placementId,
    amount_micros: one.amountMicros,
    currency: one.currency,
    undoes: one.undoes === null ? null : jsonInteger(one.undoes),
  };
}

/** `+0.50`, `-1.00`. */
export function signedMoney(micros: bigint): string {
  return `${micros < 0n ? '' : '+'}${money(micros)}`;
}

function senderOf({ record }: Conflict): string | null {
  const name = sourceName({ value: record.value, headers: decodeHeaders(record.headers) });
  return name === '' ? null : name;
}

function differsText(read: ReadConflict): string {
  const differing = differencesOf(read);
  if (differing === null) return read.conflict.stored === null ? 'event is gone' : 'unreadable';
  return differing.map(({ column }) => column).join(',') || 'nothing stored';
}

function amountText(read: ReadConflict): string {
  const difference = amountOf(read);
  if (difference === null) return '-';
  const currency = read.conflict.stored?.values['currency'];
  return `${difference === 0n ? money(0n) : signedMoney(difference)} ${String(currency)}`;
}

function valueText(value: string | bigint | null): string {
  return value === null ? '-' : printable(String(value));
}

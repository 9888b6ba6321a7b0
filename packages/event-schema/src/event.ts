import { Buffer } from 'node:buffer';
import {
  byEventType,
  EVENT_TYPES,
  FIELDS,
  type EventType,
  type FieldDeclaration,
} from './fields.ts';
import { POSTGRES_EPOCH_MS, timeText } from './time.ts';
import { SCHEMA_VERSION } from './versions.ts';

/** A moment: RFC 3339 text in UTC, or microseconds since 1970-01-01 UTC. */
export type EventTime = string | { readonly unixMicros: bigint };

interface CommonFields {
  readonly impression_id: string;
  readonly occurred_at: EventTime;
  readonly currency: string;
  readonly campaign_id: string;
  readonly creative_id: string;
  readonly placement_id: string;
  readonly source?: string;
  readonly sent_at?: EventTime;
}

export interface ImpressionEvent extends CommonFields {
  readonly event_type: 'impression';
  readonly price_micros: bigint;
}

export interface ClickEvent extends CommonFields {
  readonly event_type: 'click';
  readonly click_id: string;
  readonly price_micros: bigint;
}

export interface ConversionEvent extends CommonFields {
  readonly event_type: 'conversion';
  readonly conversion_id: string;
  readonly value_micros: bigint;
  readonly click_id?: string;
}

interface EventsByType {
  readonly impression: ImpressionEvent;
  readonly click: ClickEvent;
  readonly conversion: ConversionEvent;
}

/** A valid event as a plain object: for producers, tests and the console; the hot path has none. */
export type AdEvent = EventsByType[EventType];

const UNIX_TO_POSTGRES_MICROS = BigInt(POSTGRES_EPOCH_MS) * 1000n;

const FIELDS_OF = byEventType((type) => fieldsOf(type, FIELDS));

/** The fields an event of that type may carry, in declaration order. */
export function fieldsOf(
  type: EventType,
  fields: readonly FieldDeclaration[],
): readonly FieldDeclaration[] {
  return fields.filter(
    (field) => field.requiredIn.includes(type) || field.optionalIn.includes(type),
  );
}

/**
 * The event as canonical JSON bytes: `schema_version`, `event_type`, then the fields in declaration
 * order, no spaces. Takes values as they are (no validation), so that tests can write bad ones too.
 */
export function encodeEvent(event: AdEvent): Buffer {
  let json = `{"schema_version":${SCHEMA_VERSION},"event_type":"${event.event_type}"`;
  const values = event as unknown as Readonly<
    Record<string, string | bigint | { unixMicros: bigint }>
  >;
  for (const { name } of FIELDS_OF[event.event_type]) {
    const value = values[name];
    if (value !== undefined) json += `,"${name}":${valueText(value)}`;
  }
  return Buffer.from(`${json}}`);
}

function valueText(value: string | bigint | { readonly unixMicros: bigint }): string {
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'bigint') return value.toString();
  return `"${timeText(value.unixMicros - UNIX_TO_POSTGRES_MICROS)}"`;
}

/** Whether the text names an event type. */
export function isEventType(text: string): text is EventType {
  return (EVENT_TYPES as readonly string[]).includes(text);
}

import { SCHEMA_VERSION, type EventType } from '@adtally/event-schema';
import type { Identifier } from './catalog.ts';
import type { Rng } from './rng.ts';

type Decided<D extends Readonly<Record<EventType, boolean>>> = D;

/** Whether the simulator plans events of a type; demo and bench never see one that it does not. */
type IsPlanned = Decided<{ impression: true; click: true; conversion: true }>;

export type PlannedType = {
  [T in EventType]: IsPlanned[T] extends true ? T : never;
}[EventType];

/** What an event says, apart from how it is spelt. */
export interface PlannedEvent {
  readonly type: PlannedType;
  /** Canonical lower case. */
  readonly impressionId: string;
  /** When its impression was born, milliseconds since 1970. */
  readonly bornMs: number;
  /** Click: its identity. Conversion: the click it claims, or `null`. */
  readonly clickId: string | null;
  /** Printable ASCII; conversions only. */
  readonly conversionId: string | null;
  /** Microseconds since 1970. */
  readonly occurredAtMicros: number;
  /** Micros as decimal digits: may exceed 2^53. */
  readonly amount: string;
  readonly currency: string;
  readonly campaign: Identifier;
  readonly creative: Identifier;
  readonly placement: Identifier;
}

/** Transport facts: neither identity nor payload. */
export interface Transport {
  readonly source: string;
  readonly sentAtMicros: number;
}

/** The member that holds the amount. */
export const AMOUNT_NAME: Readonly<Record<PlannedType, 'price_micros' | 'value_micros'>> = {
  impression: 'price_micros',
  click: 'price_micros',
  conversion: 'value_micros',
};

/** A JSON object member: the name's and the value's own spelling. */
export type Member = [nameJson: string, valueJson: string];

/** The event as most producers write it: one template, no spaces. */
export function ordinaryJson(event: PlannedEvent, transport: Transport): string {
  const click = event.clickId === null ? '' : `,"click_id":"${event.clickId}"`;
  const conversion = event.conversionId === null ? '' : `,"conversion_id":"${event.conversionId}"`;
  return (
    `{"schema_version":${SCHEMA_VERSION},"event_type":"${event.type}","impression_id":"${event.impressionId}"` +
    `,"occurred_at":"${timeText(event.occurredAtMicros)}","${AMOUNT_NAME[event.type]}":${event.amount},"currency":"${event.currency}"` +
    `,"campaign_id":${event.campaign.json},"creative_id":${event.creative.json},"placement_id":${event.placement.json}` +
    `${click}${conversion},"source":"${transport.source}","sent_at":"${timeText(transport.sentAtMicros)}"}`
  );
}

/** The required members of an event (and its optional click), to be respelt or spoilt. */
export function membersOf(event: PlannedEvent): Member[] {
  const members: Member[] = [
    ['"schema_version"', String(SCHEMA_VERSION)],
    ['"event_type"', `"${event.type}"`],
    ['"impression_id"', `"${event.impressionId}"`],
    ['"occurred_at"', `"${timeText(event.occurredAtMicros)}"`],
    [`"${AMOUNT_NAME[event.type]}"`, event.amount],
    ['"currency"', `"${event.currency}"`],
    ['"campaign_id"', event.campaign.json],
    ['"creative_id"', event.creative.json],
    ['"placement_id"', event.placement.json],
  ];
  if (event.clickId !== null) members.push(['"click_id"', `"${event.clickId}"`]);
  if (event.conversionId !== null) members.push(['"conversion_id"', `"${event.conversionId}"`]);
  return members;
}

export function objectJson(members: readonly Member[], gap = ''): string {
  return `{${gap}${members.map(([name, value]) => `${name}${gap}:${gap}${value}`).join(`,${gap}`)}${gap}}`;
}

const GAPS = ['', ' ', '\n  ', '\t', '\r\n'];

/** The same event spelt another way: order, spaces, case of ids, escapes, other transport facts. */
export function respeltJson(event: PlannedEvent, transport: Transport, rng: Rng): string {
  const members = membersOf(event);
  if (rng.chance(0.7)) members.push(['"source"', `"${transport.source}-retry"`]);
  if (rng.chance(0.7)) members.push(['"sent_at"', `"${timeText(transport.sentAtMicros + 1)}"`]);
  for (let last = members.length - 1; last > 0; last -= 1) {
    const other = rng.below(last + 1);
    [members[last], members[other]] = [members[other] as Member, members[last] as Member];
  }
  for (const member of members) respell(member, rng);
  return objectJson(members, rng.pick(GAPS));
}

function respell(member: Member, rng: Rng): void {
  const [name, value] = member;
  if (name.endsWith('_id"') && isUuidJson(value) && rng.chance(0.3)) {
    // Only the ids the contract declares as UUIDs: a conversion id is opaque text.
    if (name !== '"conversion_id"') member[1] = value.toUpperCase();
  } else if (name === '"occurred_at"' && rng.chance(0.5)) {
    member[1] = value.replace(/0+Z"$/, 'Z"').replace('.Z"', 'Z"');
  } else if ((name === '"campaign_id"' || name === '"currency"') && rng.chance(0.3)) {
    member[1] = escaped(value);
  }
}

function isUuidJson(json: string): boolean {
  return /^"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"$/.test(json);
}

/** The same JSON string with every UTF-16 unit escaped. */
function escaped(json: string): string {
  const text = JSON.parse(json) as string;
  let spelt = '';
  for (let unit = 0; unit < text.length; unit += 1)
    spelt += `\\u${text.charCodeAt(unit).toString(16).padStart(4, '0')}`;
  return `"${spelt}"`;
}

// Events cluster in time, so the text down to the second is nearly always known already.
const SECOND_TEXTS = 4096;
const knownSeconds = new Float64Array(SECOND_TEXTS).fill(-1);
const knownTexts = Array.from<string>({ length: SECOND_TEXTS });
const MILLI_TEXTS = Array.from({ length: 1000 }, (_, value) => String(value).padStart(3, '0'));

/** RFC 3339, UTC, microseconds. */
export function timeText(unixMicros: number): string {
  const second = Math.floor(unixMicros / 1_000_000);
  const slot = second % SECOND_TEXTS;
  if (knownSeconds[slot] !== second) {
    knownSeconds[slot] = second;
    knownTexts[slot] = new Date(second * 1000).toISOString().slice(0, 20);
  }
  const micros = unixMicros - second * 1_000_000;
  const millis = Math.floor(micros / 1000);
  return `${knownTexts[slot]}${MILLI_TEXTS[millis]}${MILLI_TEXTS[micros - millis * 1000]}Z`;
}

import { Buffer } from 'node:buffer';
import {
  DEFAULT_DECODE_LIMITS,
  EVENT_KEY_HEADER,
  type RecordHeader,
  type RejectionCode,
} from '@adtally/event-schema';
import {
  AMOUNT_NAME,
  membersOf,
  objectJson,
  type Member,
  type PlannedEvent,
  type PlannedType,
} from './event.ts';
import type { MalformedKind, NotSpelt } from './mix.ts';
import type { Rng } from './rng.ts';

/** A spoilt record: exactly one thing is wrong with it. */
export interface Spoilt {
  readonly value: Buffer | null;
  readonly headers: readonly RecordHeader[] | null;
}

const { maxValueBytes, maxDepth } = DEFAULT_DECODE_LIMITS;

type Spoiler = (event: PlannedEvent, rng: Rng) => Buffer | string | null;

const IDENTIFIERS = ['"campaign_id"', '"creative_id"', '"placement_id"'];

/** Of `membersOf`, what the event need not carry. */
const OPTIONAL_NAME: Readonly<Record<PlannedType, string | null>> = {
  impression: null,
  click: null,
  conversion: '"click_id"',
};

/** One for each code of the contract but those spoilt otherwise. */
const SPOILERS: Record<Exclude<RejectionCode, NotSpelt | 'key_mismatch' | 'future'>, Spoiler> = {
  empty: (_event, rng) => (rng.chance(0.5) ? null : Buffer.alloc(0)),

  oversize: (event, rng) => {
    const members = membersOf(event);
    const bytes = Buffer.byteLength(objectJson([...members, ['"note"', '""']]));
    // One byte too many is as wrong as thousands.
    const excess = rng.pick([1, 2, 1000, 10_000]);
    return objectJson([...members, ['"note"', `"${'x'.repeat(maxValueBytes - bytes + excess)}"`]]);
  },

  invalid_utf8: (event, rng) => {
    const bytes = Buffer.from(replaced(event, rng.pick(IDENTIFIERS), '"caf????"'));
    const broken = rng.pick([
      [0xc3, 0x28, 0x41, 0x41], // a lead byte without its continuation
      [0xff, 0xfe, 0x41, 0x41], // bytes UTF-8 never has
      [0xc0, 0xaf, 0x41, 0x41], // an overlong '/'
      [0xed, 0xa0, 0x80, 0x41], // a surrogate as bytes
      [0xf4, 0x90, 0x80, 0x80], // beyond U+10FFFF
    ]);
    bytes.set(broken, bytes.indexOf('caf????') + 3);
    return bytes;
  },

  malformed_json: (event, rng) => {
    const json = objectJson(membersOf(event));
    return rng.pick([
      json.slice(0, -1),
      json.slice(0, Math.floor(json.length / 2)),
      `${json}}`,
      `${json}${json}`,
      `[${json}]`,
      json.replace(',', ',,'),
      json.replaceAll('"', "'"),
      `${json.slice(0, -1)},}`,
      '"an event"',
      'null',
      ' ',
      json.replace(':', ' '),
    ]);
  },

  too_deep: (event, rng) => {
    const [open, close] = rng.pick([
      ['[', ']'],
      ['{"a":', '}'],
    ] as const);
    // The event itself is level 1.
    const levels = rng.pick([maxDepth, maxDepth + 1, 1000]);
    const nested = `${open.repeat(levels)}0${close.repeat(levels)}`;
    return objectJson([...membersOf(event), ['"extra"', nested]]);
  },

  repeated_field: (event, rng) => {
    const members = membersOf(event);
    const [name, value] = rng.pick(members);
    // The same name may also hide behind an escape.
    const spelling = rng.chance(0.3) ? withFirstEscaped(name) : name;
    return objectJson([...members, [spelling, value]]);
  },

  nul_character: (event, rng) => replaced(event, rng.pick(IDENTIFIERS), '"before\\u0000after"'),

  lone_surrogate: (event, rng) =>
    replaced(
      event,
      rng.pick(IDENTIFIERS),
      rng.pick(['"\\ud83d"', '"a\\udfaf"', '"\\ud83d\\ud83d"']),
    ),

  not_a_number: (event, rng) =>
    replaced(event, amountOf(event), rng.pick(['NaN', 'Infinity', '-Infinity'])),

  missing_field: (event, rng) => {
    const optional = OPTIONAL_NAME[event.type];
    const candidates = membersOf(event).filter(([name]) => name !== optional);
    const [missing] = rng.pick(candidates);
    return objectJson(membersOf(event).filter(([name]) => name !== missing));
  },

  wrong_type: (event, rng) => {
    if (rng.chance(0.6)) {
      const spellings = ['1.0', '1e3', '"1200"', '1.5', 'true', 'null', '[1]', '{}', '1E0'];
      return replaced(event, amountOf(event), rng.pick(spellings));
    }
    const name = rng.pick(['"impression_id"', '"occurred_at"', '"currency"', ...IDENTIFIERS]);
    return replaced(
      event,
      name,
      rng.pick(['9007199254740993', 'false', 'null', '["x"]', '{"id":1}']),
    );
  },

  out_of_range: (event, rng) => {
    const [name, value] = rng.pick<Member>([
      [amountOf(event), '-1'],
      [amountOf(event), '9223372036854775808'],
      [amountOf(event), '1'.repeat(40)],
      ['"impression_id"', '"not-a-uuid"'],
      ['"impression_id"', `"${event.impressionId.replaceAll('-', '')}"`],
      ['"occurred_at"', '"2026-02-30T00:00:00Z"'],
      ['"occurred_at"', '"2026-01-01T25:00:00Z"'],
      ['"occurred_at"', '"yesterday"'],
      ['"occurred_at"', '"2026-01-01T00:00:00.123456"'],
      ['"currency"', '"eur"'],
      ['"currency"', '"EURO"'],
      ['"campaign_id"', '""'],
      ['"creative_id"', `"${'\u{1f3af}'.repeat(65)}"`],
      ['"placement_id"', `"${'x'.repeat(65)}"`],
    ]);
    return replaced(event, name, value);
  },

  schema_mismatch: (event, rng) => {
    const [name, value] = rng.pick<Member>([
      ['"schema_version"', '99'],
      ['"schema_version"', '0'],
      ['"event_type"', '"viewable"'],
      ['"event_type"', '"Impression"'],
    ]);
    return replaced(event, name, value);
  },
};

/**
 * Spoils a valid event in the named way. `future` is not spelt but born: there the caller gives an
 * event whose impression id lies far ahead.
 */
export function spoil(kind: MalformedKind, event: PlannedEvent, rng: Rng): Spoilt {
  if (kind === 'future') return { value: Buffer.from(objectJson(membersOf(event))), headers: null };
  if (kind === 'key_mismatch') {
    // Somebody else's key, well formed: believed, it would suppress that event.
    const forged = `${hex(rng, 8)}-${hex(rng, 4)}-8${hex(rng, 3)}-a${hex(rng, 3)}-${hex(rng, 12)}`;
    return {
      value: Buffer.from(objectJson(membersOf(event))),
      headers: [{ [EVENT_KEY_HEADER]: Buffer.from(forged) }],
    };
  }
  const spoilt = SPOILERS[kind](event, rng);
  return { value: typeof spoilt === 'string' ? Buffer.from(spoilt) : spoilt, headers: null };
}

function amountOf(event: PlannedEvent): string {
  return `"${AMOUNT_NAME[event.type]}"`;
}

function replaced(event: PlannedEvent, name: string, valueJson: string): string {
  return objectJson(
    membersOf(event).map((member) => (member[0] === name ? [name, valueJson] : member)),
  );
}

function withFirstEscaped(nameJson: string): string {
  const unit = nameJson.charCodeAt(1).toString(16).padStart(4, '0');
  return `"\\u${unit}${nameJson.slice(2)}`;
}

function hex(rng: Rng, digits: number): string {
  let text = '';
  for (let digit = 0; digit < digits; digit += 1) text += rng.below(16).toString(16);
  return text;
}

/**
 * The reference decoder: it defines which records are events and names what is wrong with the others.
 *
 * A record with several faults gets one code, the first in this order:
 *   1. the bytes: empty, oversize, invalid_utf8
 *   2. the JSON text, wherever in it: malformed_json, too_deep, repeated_field (known names of the
 *      event itself), nul_character, lone_surrogate, not_a_number
 *   3. schema_version: missing_field, wrong_type, schema_mismatch; then the same of event_type
 *   4. the fields: missing_field, else wrong_type, else out_of_range; of the first such field in
 *      declaration order
 * Of a wrapped value (`wrapping.ts`) 1 and 2 are looked for in all of it, then in the event it holds.
 * A field that does not belong to the event's type is an unknown field: its value is not looked at.
 */
import { Buffer, isUtf8 } from 'node:buffer';
import { VERDICT, type BatchColumn, type EventBatch } from '../batch.ts';
import { ENVELOPE_NAMES, type Contract, type TypeFieldPlan } from '../contract.ts';
import { isEventType } from '../event.ts';
import { byEventType, EVENT_TYPES, type EventType } from '../fields.ts';
import type { Rejection, RejectionCode } from '../rejection.ts';
import { parseTime } from '../time.ts';
import { uuidBytes } from '../uuid.ts';
import { upcastToNewest, type RawEvent, type RawValue } from '../versions.ts';
import type { DecodeLimits } from './limits.ts';
import { rawValue } from './raw-value.ts';
import { tokenPass, type Member, type TokenPass } from './token-pass.ts';
import {
  FRAME_BYTES,
  frameHint,
  isFramed,
  wrappingHint,
  wrappingOf,
  type Wrapping,
} from './wrapping.ts';

/** Decodes one row of a batch: ends it as `event` with its columns, or as `rejected`. Never throws. */
export type ReferenceDecoder = (batch: EventBatch, row: number, limits: DecodeLimits) => void;

/** An integer as JSON spells one that is not negative. */
const PLAIN_DIGITS = /^(?:0|[1-9][0-9]*)$/;

interface ValidEvent {
  readonly type: EventType;
  readonly raw: RawEvent;
  readonly unknownFields: number;
}

/** Makes the reference decoder of a contract; the batch's columns must be the contract's. */
export function createReferenceDecoder(contract: Contract): ReferenceDecoder {
  const readers = createReaders(contract);
  return (batch, row, limits) => {
    const outcome = decodeValue(batch.places.value(row), limits, contract, readers);
    if ('code' in outcome) {
      batch.reject(row, outcome);
      return;
    }
    for (const plan of contract.byType[outcome.type]) {
      const column = batch.columns[plan.columnIndex];
      const value = givenValue(outcome.raw, plan);
      if (column !== undefined && value !== undefined) storeValue(batch, column, row, value);
    }
    batch.unknownFields += outcome.unknownFields;
    batch.eventType[row] = EVENT_TYPES.indexOf(outcome.type);
    batch.verdict[row] = VERDICT.event;
  };
}

interface Readers {
  /** Every name that must not be repeated. */
  readonly knownNames: ReadonlySet<string>;
  /** By version: the names it has and the newest has not. */
  readonly formerNames: ReadonlyMap<number, ReadonlySet<string>>;
  /** By event type: the names that are not unknown fields. */
  readonly ownNames: Readonly<Record<EventType, ReadonlySet<string>>>;
}

function createReaders({ fields, byType, versions }: Contract): Readers {
  const own = (type: EventType): ReadonlySet<string> =>
    new Set([...ENVELOPE_NAMES, ...byType[type].map((plan) => plan.field.name)]);
  return {
    knownNames: new Set([
      ...ENVELOPE_NAMES,
      ...fields.map((plan) => plan.field.name),
      ...versions.flatMap((version) => version.formerNames ?? []),
    ]),
    formerNames: new Map(versions.map((known) => [known.version, new Set(known.formerNames)])),
    ownNames: byEventType(own),
  };
}

function decodeValue(
  value: Buffer | null,
  limits: DecodeLimits,
  contract: Contract,
  readers: Readers,
): ValidEvent | Rejection {
  if (value === null || value.length === 0) return rejection('empty', 'the record has no value');
  if (value.length > limits.maxValueBytes)
    return rejection('oversize', `the value is longer than ${limits.maxValueBytes} bytes`);
  const { valueFormat = 'plain' } = limits;
  const isUnframed = valueFormat === 'auto' && isFramed(value, 0, value.length);
  const body = isUnframed ? value.subarray(FRAME_BYTES) : value;
  const hint = frameHint(value, limits);
  if (!isUtf8(body)) return rejection('invalid_utf8', `the value is not UTF-8${hint}`);
  const text = body.toString('utf8');
  const pass = tokenPass(text);
  if (pass.malformed !== null) return rejection('malformed_json', `${pass.malformed}${hint}`);
  const wrapping = valueFormat === 'auto' ? wrappingOf(pass.members) : null;
  const problem = textProblem(pass, limits, wrapping === null ? readers : null);
  if (problem !== null) return problem;
  return wrapping === null
    ? decodeMembers(text, pass.members, limits, contract, readers)
    : decodeWrapped(text, wrapping, limits, contract, readers);
}

/** What an envelope holds, as an event; of the text as a whole nothing is wrong. */
function decodeWrapped(
  text: string,
  { what, name, inner, isRepeated }: Wrapping,
  limits: DecodeLimits,
  contract: Contract,
  readers: Readers,
): ValidEvent | Rejection {
  if (isRepeated) return rejection('repeated_field', 'the field stands twice', name);
  if (inner === undefined) return rejection('missing_field', `${what} holds no ${name}`, name);
  const event = text.slice(inner.start, inner.end);
  if (event === 'null') return rejection('empty', `${what} holds null as its ${name}`, name);
  const pass = tokenPass(event);
  if (pass.malformed !== null)
    return rejection('malformed_json', `${what} whose ${name} is not a JSON object`, name);
  const problem = textProblem(pass, limits, readers);
  return problem ?? decodeMembers(event, pass.members, limits, contract, readers);
}

/** What is wrong with a JSON text, whatever its fields mean; without readers no name is looked at. */
function textProblem(
  pass: TokenPass,
  limits: DecodeLimits,
  readers: Readers | null,
): Rejection | null {
  if (pass.depth > limits.maxDepth)
    return rejection('too_deep', `objects and arrays are nested deeper than ${limits.maxDepth}`);
  const repeated = readers === null ? null : repeatedName(pass.members, readers.knownNames);
  if (repeated !== null) return rejection('repeated_field', 'the field stands twice', repeated);
  if (pass.hasNul) return rejection('nul_character', 'a string holds U+0000');
  if (pass.hasLoneSurrogate)
    return rejection('lone_surrogate', 'an escape is half of a surrogate pair');
  if (pass.hasNotANumber) return rejection('not_a_number', 'NaN and Infinity are not JSON numbers');
  return null;
}

function repeatedName(members: readonly Member[], known: ReadonlySet<string>): string | null {
  const seen = new Set<string>();
  for (const { name } of members) {
    if (!known.has(name)) continue;
    if (seen.has(name)) return name;
    seen.add(name);
  }
  return null;
}

function decodeMembers(
  text: string,
  members: readonly Member[],
  limits: DecodeLimits,
  contract: Contract,
  readers: Readers,
): ValidEvent | Rejection {
  const known: Record<string, RawValue> = Object.create(null) as Record<string, RawValue>;
  for (const { name, start, end } of members)
    if (readers.knownNames.has(name)) known[name] = rawValue(text.slice(start, end));

  const version = known['schema_version'];
  if (version === undefined)
    return missing('schema_version', wrappingHint(members, limits.valueFormat));
  if (typeof version !== 'bigint') return wrongType('schema_version', 'an integer');
  const readAs = readers.formerNames.has(Number(version))
    ? Number(version)
    : vouchedFor(Number(version), limits, contract);
  const formerNames = readAs === null ? undefined : readers.formerNames.get(readAs);
  if (readAs === null || formerNames === undefined)
    return rejection('schema_mismatch', 'the version is unknown', 'schema_version');
  const raw = upcast(known, readAs, contract);
  if (raw === null)
    return rejection('schema_mismatch', 'the event does not fit its version', 'schema_version');

  const type = ownValue(raw, 'event_type');
  if (type === undefined) return missing('event_type');
  if (typeof type !== 'string') return wrongType('event_type', 'a string');
  if (!isEventType(type))
    return rejection('schema_mismatch', 'the event type is unknown', 'event_type');
  const plans = contract.byType[type];
  const read = limits.amountsAsStrings === true ? withAmountsRead(raw, plans) : raw;
  const problem = firstProblem(read, plans);
  if (problem !== null) return problem;
  const own = readers.ownNames[type];
  const unknown = members.filter(({ name }) => !own.has(name) && !formerNames.has(name));
  return { type, raw: read, unknownFields: unknown.length };
}

function vouchedFor(version: number, limits: DecodeLimits, contract: Contract): number | null {
  return limits.readAsNewest?.has(version) === true ? contract.newestVersion : null;
}

function upcast(raw: RawEvent, version: number, contract: Contract): RawEvent | null {
  try {
    return upcastToNewest(raw, version, contract.versions);
  } catch {
    return null;
  }
}

/** Amounts that are strings of digits, as the integers they spell; all else as it is. */
function withAmountsRead(raw: RawEvent, plans: readonly TypeFieldPlan[]): RawEvent {
  const read: Record<string, RawValue> = { ...raw };
  for (const { field } of plans) {
    if (field.kind !== 'micros') continue;
    const value = ownValue(raw, field.name);
    if (typeof value === 'string' && PLAIN_DIGITS.test(value)) read[field.name] = rawValue(value);
  }
  return read;
}

/** The first missing field, else the first of a wrong type, else the first out of range. */
function firstProblem(raw: RawEvent, plans: readonly TypeFieldPlan[]): Rejection | null {
  let first: Rejection | null = null;
  for (const plan of plans) {
    const { field, required, rule, problemOf } = plan;
    const value = givenValue(raw, plan);
    if (value === undefined) {
      if (required) return missing(field.name);
      continue;
    }
    const problem = problemOf(value);
    const isWorse = first === null || (first.code === 'out_of_range' && problem === 'wrong_type');
    if (problem !== null && isWorse)
      first = rejection(problem, `must be ${rule}${hintOf(value, plan)}`, field.name);
  }
  return first;
}

/** What reads an amount that is refused for being a string of digits alone. */
function hintOf(value: RawValue, { field }: TypeFieldPlan): string {
  if (field.kind !== 'micros' || typeof value !== 'string' || !PLAIN_DIGITS.test(value)) return '';
  return '; strings of digits are read where the topic says so (ops topics set --amounts-as-strings yes)';
}

/** An optional field that is `null` is not given: many serialisers print absent ones so. */
function givenValue(raw: RawEvent, { field, required }: TypeFieldPlan): RawValue | undefined {
  const value = ownValue(raw, field.name);
  return value === null && !required ? undefined : value;
}

function ownValue(raw: RawEvent, name: string): RawValue | undefined {
  return Object.hasOwn(raw, name) ? raw[name] : undefined;
}

/** Writes a value that has passed validation. */
function storeValue(batch: EventBatch, column: BatchColumn, row: number, value: RawValue): void {
  column.present[row] = 1;
  switch (column.kind) {
    case 'text': {
      const bytes = Buffer.from(value as string);
      const start = batch.reserve(bytes.length);
      bytes.copy(batch.arena, start);
      column.start[row] = start;
      column.length[row] = bytes.length;
      return;
    }
    case 'uuid':
      (uuidBytes(value as string) as Buffer).copy(column.bytes, row * 16);
      return;
    case 'time':
      column.int64[row] = parseTime(value as string) as bigint;
      return;
    case 'micros':
      column.int64[row] = value as bigint;
      return;
    default:
      column.kind satisfies never;
  }
}

function missing(field: string, hint = ''): Rejection {
  return rejection('missing_field', `the field is missing${hint}`, field);
}

function wrongType(field: string, wanted: string): Rejection {
  return rejection('wrong_type', `must be ${wanted}`, field);
}

function rejection(code: RejectionCode, message: string, field?: string): Rejection {
  return field === undefined ? { code, message } : { code, field, message };
}

/**
 * The scanner's first half: finds where the values of known names lie in the bytes of one JSON object
 * with plain strings (no escapes), short plain integers and null as members, and true or false in unknown ones.
 * Answers false at anything else.
 */
import { Buffer } from 'node:buffer';
import { PLAIN_IN_STRING, WHITE_SPACE } from './ascii-tables.ts';
import { sequenceEnd } from './utf8.ts';

export const SPAN = { absent: 0, string: 1, integer: 2, null: 3 } as const;

const QUOTE = 0x22;
const COLON = 0x3a;
const COMMA = 0x2c;
const OPEN = 0x7b;
const CLOSE = 0x7d;
const ZERO = 0x30;
const NINE = 0x39;

/** Integers of so many digits are below 2^53. */
const SAFE_DIGITS = 15;

export class SpanReader {
  /** By name: one of SPAN. */
  readonly kind: Uint8Array;
  /** By name: where the value starts (inside the quotes) and ends. */
  readonly start: Int32Array;
  readonly end: Int32Array;
  /** Members whose name is none of the known ones, and how many of the known ones were found. */
  unknown = 0;
  found = 0;
  /** The names' bytes with the closing quote: a match then means the whole name. */
  readonly #names: readonly Uint8Array[];
  /** By name (and first of all): which name came next last time. Producers keep an order. */
  readonly #next: Int32Array;

  constructor(names: readonly string[]) {
    this.#names = names.map((name) => Buffer.from(`${name}"`));
    this.kind = new Uint8Array(names.length);
    this.start = new Int32Array(names.length);
    this.end = new Int32Array(names.length);
    this.#next = new Int32Array(names.length + 1);
  }

  /**
   * Fills the spans from one message value, which lies between `from` and `limit`; false where it is not of
   * the ordinary shape. What lies behind the limit may be looked at, and is never taken for a part of it: the
   * object must end exactly there.
   */
  read(bytes: Uint8Array, from: number, limit: number): boolean {
    this.kind.fill(SPAN.absent);
    this.unknown = 0;
    this.found = 0;
    let at = skipSpace(bytes, from, limit);
    if (bytes[at] !== OPEN) return false;
    let previous = this.#names.length;
    while (at < limit) {
      at = skipSpace(bytes, at + 1, limit);
      if (bytes[at] !== QUOTE) return false;
      const nameStart = at + 1;
      let name = this.#next[previous] as number;
      at = this.#matchName(bytes, nameStart, name);
      if (at < 0) {
        at = stringEnd(bytes, nameStart, limit) + 1;
        if (at === 0) return false;
        name = this.#findName(bytes, nameStart);
        if (name >= 0) this.#next[previous] = name;
      }
      if (name >= 0) previous = name;
      at = skipSpace(bytes, at, limit);
      if (bytes[at] !== COLON) return false;
      at = this.#readValue(bytes, skipSpace(bytes, at + 1, limit), limit, name);
      if (at < 0) return false;
      at = skipSpace(bytes, at, limit);
      if (bytes[at] === COMMA) continue;
      return bytes[at] === CLOSE && skipSpace(bytes, at + 1, limit) === limit;
    }
    return false;
  }

  /** Returns where the value ends, or -1. */
  #readValue(bytes: Uint8Array, valueAt: number, limit: number, name: number): number {
    const isString = bytes[valueAt] === QUOTE;
    const start = isString ? valueAt + 1 : valueAt;
    let kind: number = isString ? SPAN.string : SPAN.integer;
    let end = isString ? stringEnd(bytes, start, limit) : integerEnd(bytes, start, limit);
    if (end < 0 && !isString) {
      end = literalEnd(bytes, start, name < 0 ? LITERALS : NULL_ALONE);
      kind = SPAN.null;
    }
    if (end < 0) return -1;
    if (name < 0) {
      this.unknown += 1;
    } else {
      if (this.kind[name] !== SPAN.absent) return -1;
      this.kind[name] = kind;
      this.start[name] = start;
      this.end[name] = end;
      this.found += 1;
    }
    return isString ? end + 1 : end;
  }

  /** Where the name ends if these bytes are it, else -1. */
  #matchName(bytes: Uint8Array, start: number, name: number): number {
    const expected = this.#names[name] as Uint8Array;
    const { length } = expected;
    for (let index = 0; index < length; index += 1)
      if (bytes[start + index] !== expected[index]) return -1;
    return start + length;
  }

  #findName(bytes: Uint8Array, start: number): number {
    for (let name = 0; name < this.#names.length; name += 1)
      if (this.#matchName(bytes, start, name) >= 0) return name;
    return -1;
  }
}

function skipSpace(bytes: Uint8Array, from: number, limit: number): number {
  let at = from;
  while (at < limit && WHITE_SPACE[bytes[at] as number] === 1) at += 1;
  return at;
}

/** Where the closing quote stands, or -1 where the string has an escape, a control or bad UTF-8. */
function stringEnd(bytes: Uint8Array, from: number, limit: number): number {
  let at = from;
  for (;;) {
    while (at < limit && PLAIN_IN_STRING[bytes[at] as number] === 1) at += 1;
    if (at >= limit) return -1;
    if (bytes[at] === QUOTE) return at;
    at = sequenceEnd(bytes, at);
    if (at < 0) return -1;
  }
}

/** Where a plain integer of few digits ends, or -1. What follows it is the caller's to check. */
export function integerEnd(bytes: Uint8Array, from: number, limit: number): number {
  let at = from;
  while (at < limit && (bytes[at] as number) >= ZERO && (bytes[at] as number) <= NINE) at += 1;
  const digits = at - from;
  if (digits === 0 || digits > SAFE_DIGITS) return -1;
  return digits > 1 && bytes[from] === ZERO ? -1 : at;
}

const LITERALS: readonly Uint8Array[] = ['true', 'false', 'null'].map((text) => Buffer.from(text));
const NULL_ALONE = LITERALS.slice(2);

/** Where one of the literals ends, or -1. */
function literalEnd(bytes: Uint8Array, from: number, literals: readonly Uint8Array[]): number {
  for (const literal of literals) {
    let index = 0;
    while (index < literal.length && bytes[from + index] === literal[index]) index += 1;
    if (index === literal.length) return from + index;
  }
  return -1;
}

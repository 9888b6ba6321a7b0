/**
 * One pass over the tokens of a JSON text: everything JSON.parse would hide. It never recurses, so
 * nesting costs memory in proportion to the text and nothing else.
 */

/** A member of the outermost object. */
export interface Member {
  readonly name: string;
  /** Where its value starts and ends (exclusive) in the text. */
  readonly start: number;
  readonly end: number;
}

export interface TokenPass {
  /** Why the text is not one JSON object, or `null`; the other facts count only where it is. */
  readonly malformed: string | null;
  /** In order, repeated names included. */
  readonly members: readonly Member[];
  /** The deepest nesting; the outermost object is 1. */
  readonly depth: number;
  /** A string holds U+0000, escaped or raw. */
  readonly hasNul: boolean;
  /** A string holds an escaped half of a surrogate pair without the other half. */
  readonly hasLoneSurrogate: boolean;
  /** A NaN or Infinity stands where a value should. */
  readonly hasNotANumber: boolean;
}

const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
const LITERAL = /true|false|null|NaN|-?Infinity/y;
const SPACE = /[ \t\n\r]*/y;
const ESCAPE = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y;
const LOW_SURROGATE_ESCAPE = /\\u[dD][c-fC-F][0-9a-fA-F]{2}/y;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const FIRST_PRINTABLE = 0x20;

type Phase = 'value' | 'name' | 'after';

/** Reads the whole text; linear in its length, never throws. */
export function tokenPass(text: string): TokenPass {
  const reader = new TokenReader(text);
  const malformed = reader.read();
  return { ...reader.facts, malformed, members: reader.members };
}

class TokenReader {
  readonly facts = { depth: 0, hasNul: false, hasLoneSurrogate: false, hasNotANumber: false };
  readonly members: Member[] = [];
  readonly #text: string;
  /** One entry an open container: true for an object. */
  readonly #open: boolean[] = [];
  #at = 0;
  #name = '';
  #valueStart = 0;

  constructor(text: string) {
    this.#text = text;
  }

  /** The reason why the text is no JSON object, or `null`. */
  read(): string | null {
    if (this.#text.startsWith('\ufeff')) return 'the value starts with a byte order mark';
    this.#skip(SPACE);
    if (this.#text[this.#at] !== '{') return 'the value is not a JSON object';
    let phase: Phase | null = 'value';
    while (phase !== null) {
      if (phase === 'value') phase = this.#value();
      else if (phase === 'name') phase = this.#memberName();
      else if (this.#open.length > 0) phase = this.#after();
      else {
        this.#skip(SPACE);
        if (this.#at === this.#text.length) return null;
        phase = null;
      }
    }
    return `not JSON at character ${this.#at}`;
  }

  #skip(pattern: RegExp): boolean {
    pattern.lastIndex = this.#at;
    if (!pattern.test(this.#text)) return false;
    this.#at = pattern.lastIndex;
    return true;
  }

  #value(): Phase | null {
    this.#skip(SPACE);
    if (this.#open.length === 1) this.#valueStart = this.#at;
    const first = this.#text[this.#at];
    if (first === '{' || first === '[') return this.#container(first === '{');
    if (first === '"') return this.#string() ? 'after' : null;
    if (this.#skip(LITERAL)) {
      const last = this.#text[this.#at - 1];
      if (last === 'N' || last === 'y') this.facts.hasNotANumber = true;
      return 'after';
    }
    return this.#skip(NUMBER) ? 'after' : null;
  }

  #container(isObject: boolean): Phase {
    this.#at += 1;
    this.#open.push(isObject);
    this.facts.depth = Math.max(this.facts.depth, this.#open.length);
    this.#skip(SPACE);
    if (this.#text[this.#at] !== (isObject ? '}' : ']')) return isObject ? 'name' : 'value';
    this.#at += 1;
    this.#open.pop();
    return 'after';
  }

  #memberName(): Phase | null {
    this.#skip(SPACE);
    const start = this.#at;
    if (this.#text[start] !== '"' || !this.#string()) return null;
    if (this.#open.length === 1) this.#name = stringValue(this.#text.slice(start, this.#at));
    this.#skip(SPACE);
    if (this.#text[this.#at] !== ':') return null;
    this.#at += 1;
    return 'value';
  }

  #after(): Phase | null {
    const isObject = this.#open.at(-1) === true;
    if (this.#open.length === 1)
      this.members.push({ name: this.#name, start: this.#valueStart, end: this.#at });
    this.#skip(SPACE);
    const next = this.#text[this.#at];
    this.#at += 1;
    if (next === ',') return isObject ? 'name' : 'value';
    if (next === (isObject ? '}' : ']')) {
      this.#open.pop();
      return 'after';
    }
    this.#at -= 1;
    return null;
  }

  /** Steps over a string; false where it is none. */
  #string(): boolean {
    const text = this.#text;
    this.#at += 1;
    while (this.#at < text.length) {
      const unit = text.charCodeAt(this.#at);
      if (unit === QUOTE) {
        this.#at += 1;
        return true;
      }
      if (unit === BACKSLASH) {
        if (!this.#escape()) return false;
      } else if (unit >= FIRST_PRINTABLE) {
        this.#at += 1;
      } else if (unit === 0) {
        this.facts.hasNul = true;
        this.#at += 1;
      } else return false;
    }
    return false;
  }

  #escape(): boolean {
    const start = this.#at;
    if (!this.#skip(ESCAPE)) return false;
    if (this.#text[start + 1] !== 'u') return true;
    const unit = Number.parseInt(this.#text.slice(start + 2, start + 6), 16);
    if (unit === 0) this.facts.hasNul = true;
    const isHigh = unit >= 0xd800 && unit <= 0xdbff;
    const isLow = unit >= 0xdc00 && unit <= 0xdfff;
    if (isLow || (isHigh && !this.#skip(LOW_SURROGATE_ESCAPE))) this.facts.hasLoneSurrogate = true;
    return true;
  }
}

/** The value of a JSON string token that the pass has accepted (raw NULs included). */
export function stringValue(token: string): string {
  if (!token.includes('\\')) return token.slice(1, -1);
  return JSON.parse(token.replaceAll('\0', '\\u0000')) as string;
}

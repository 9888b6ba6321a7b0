import { UsageError } from './errors.ts';
import { didYouMean } from './suggest.ts';

/** What may be given as the value of an option or as an operand. */
export interface ValueType<T> {
  /** Its name in help: `N`, `TIME`. */
  readonly placeholder: string;
  /** Completes "must be ...". */
  readonly allowed: string;
  /** What help says of the bounds; empty where the name says enough. */
  readonly hint: string;
  /** The words there are, where they are a closed set. */
  readonly words?: readonly string[];
  /** Returns undefined where the text is none. */
  readonly parse: (text: string) => T | undefined;
}

/**
 * Reads one text as a value.
 * @param label how the user knows it: `--limit`, `<id>`, a variable's name
 * @throws UsageError naming what is allowed, and the word that was probably meant
 */
export function parseValue<T>(label: string, type: ValueType<T>, given: string): T {
  const value = type.parse(given);
  if (value !== undefined) return value;
  const near = type.words === undefined ? '' : didYouMean(given, type.words);
  throw new UsageError(`${label} must be ${type.allowed}, not "${given}"${near}`);
}

/** A whole number within bounds, both included. */
export function wholeNumber(min: number, max: number): ValueType<number> {
  const bounds = max === Number.MAX_SAFE_INTEGER ? `from ${min}` : `from ${min} to ${max}`;
  return {
    placeholder: 'N',
    allowed: `a whole number ${bounds}`,
    hint: bounds,
    parse: (given) => {
      const value = /^\d+$/.test(given) ? Number(given) : Number.NaN;
      return value >= min && value <= max ? value : undefined;
    },
  };
}

/** A text that is not blank; blanks around it are dropped. */
export function text(placeholder: string): ValueType<string> {
  return {
    placeholder,
    // Else `--reason --execute` would take the order itself for its reason.
    allowed: 'a text that does not begin with a dash',
    hint: '',
    parse: (given) => {
      const trimmed = given.trim();
      return trimmed === '' || trimmed.startsWith('-') ? undefined : trimmed;
    },
  };
}

/** One of a closed set of words. */
export function choice<const W extends string>(
  words: readonly W[],
  placeholder = 'WORD',
): ValueType<W> {
  const allowed = `one of ${words.join(', ')}`;
  return {
    placeholder,
    allowed,
    hint: allowed,
    words,
    parse: (given) => words.find((word) => word === given),
  };
}

const ID_MAX = 2n ** 63n - 1n;

/** The number the database gave to something, as text without leading zeros: it may pass 2^53. */
export function id(of: string): ValueType<string> {
  return {
    placeholder: 'ID',
    allowed: `the number of a ${of}`,
    hint: '',
    parse: (given) =>
      /^\d{1,19}$/.test(given) && BigInt(given) <= ID_MAX ? BigInt(given).toString() : undefined,
  };
}

const UNIT_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** Milliseconds, written with a unit. */
export const duration: ValueType<number> = {
  placeholder: 'SPAN',
  allowed: 'written 30s, 12h or 7d',
  hint: 'such as 30s, 12h, 7d',
  parse: (given) => {
    const match = /^(\d{1,9})(ms|s|m|h|d)$/.exec(given);
    return match === null ? undefined : Number(match[1]) * (UNIT_MS[match[2] ?? ''] ?? 1);
  },
};

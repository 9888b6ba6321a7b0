import { UsageError } from './errors.ts';
import { parseValue, type ValueType } from './value-types.ts';

/** An option of a command, as declared; `T` is what the command gets. */
export interface Option<T> {
  readonly summary: string;
  /** Null for one that is given or not. */
  readonly type: ValueType<unknown> | null;
  /** How one occurrence changes what was read so far. */
  readonly read: (label: string, text: string, before: T | undefined) => T;
  /** What the command gets where it is not given. */
  readonly fallback: T;
  readonly isRequired: boolean;
}

/** An argument by its place. */
export interface Operand<T> {
  readonly summary: string;
  readonly placeholder: string;
  readonly read: (label: string, text: string, before: T | undefined) => T;
  /** Takes all that is left, also nothing. */
  readonly isVariadic: boolean;
}

/** By name, as written after `--`. */
export type Options = Readonly<Record<string, Option<any>>>;
/** In the order in which they are given. */
export type Operands = Readonly<Record<string, Operand<any>>>;

export type ValuesOf<P extends Options | Operands> = {
  readonly [K in keyof P]: P[K] extends Option<infer T> | Operand<infer T> ? T : never;
};

/** Given or not. */
export function flag(summary: string): Option<boolean> {
  return { summary, type: null, read: () => true, fallback: false, isRequired: false };
}

/** An option with one value; where it is given twice, the last one counts. */
export function option<T>(type: ValueType<T>, summary: string): Option<T | undefined>;
export function option<T>(
  type: ValueType<T>,
  summary: string,
  rest: { readonly default: NoInfer<T> },
): Option<T>;
export function option<T>(
  type: ValueType<T>,
  summary: string,
  rest: { readonly default?: T } = {},
): Option<T | undefined> {
  const read = (label: string, text: string) => parseValue(label, type, text);
  return { summary, type, read, fallback: rest.default, isRequired: false };
}

/** An option that must be given. */
export function required<T>(type: ValueType<T>, summary: string): Option<T> {
  return { ...option(type, summary), isRequired: true } as Option<T>;
}

/** An option with several values: repeated, or with commas. */
export function list<T>(type: ValueType<T>, summary: string): Option<readonly T[] | undefined> {
  return {
    summary,
    type,
    fallback: undefined,
    isRequired: false,
    read: (label, text, before = []) => {
      const words = text.split(',').map((word) => word.trim());
      if (words.includes('')) throw new UsageError(`${label} needs a value`);
      return [...before, ...words.map((word) => parseValue(label, type, word))];
    },
  };
}

/** The argument at this place. */
export function operand<T>(type: ValueType<T>, summary: string): Operand<T> {
  const read = (label: string, text: string) => parseValue(label, type, text);
  return { summary, placeholder: type.placeholder, read, isVariadic: false };
}

/** All arguments from this place on, as they are. */
export function operands(placeholder: string, summary: string): Operand<readonly string[]> {
  const read = (_label: string, text: string, before: readonly string[] = []) => [...before, text];
  return { summary, placeholder, read, isVariadic: true };
}

/** The option of every command that prints a result. */
export const JSON_OPTION = {
  json: flag('print one JSON object as the last line of standard output'),
} as const;

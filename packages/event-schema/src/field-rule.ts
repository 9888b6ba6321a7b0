import type { FieldDeclaration, FieldKind } from './fields.ts';
import { parseTime } from './time.ts';
import { uuidBytes } from './uuid.ts';

/** The largest amount: PostgreSQL's `bigint`. */
export const MICROS_MAX = 2n ** 63n - 1n;

export const CURRENCY_PATTERN = '^[A-Z]{3}$';

const CURRENCY_REGEXP = new RegExp(CURRENCY_PATTERN);

export type FieldProblem = 'wrong_type' | 'out_of_range';

/** What is wrong with a field's raw value (integers as `bigint`), or `null`: `fieldRule`, as a machine reads it. */
export function fieldProblem(field: FieldDeclaration, value: unknown): FieldProblem | null {
  const { kind } = field;
  if (kind === 'micros') {
    if (typeof value !== 'bigint') return 'wrong_type';
    return value >= 0n && value <= MICROS_MAX ? null : 'out_of_range';
  }
  if (typeof value !== 'string') return 'wrong_type';
  return IS_TEXT_OF[kind](value, field) ? null : 'out_of_range';
}

const IS_TEXT_OF = {
  time: (text) => parseTime(text) !== null,
  uuid: (text) => uuidBytes(text) !== null,
  currency: (text) => CURRENCY_REGEXP.test(text),
  text: (text, field) => {
    const limit = textLimit(field);
    // A code point is two units at most: what is much too long is not counted.
    return text !== '' && text.length <= 2 * limit && [...text].length <= limit;
  },
} as const satisfies Readonly<
  Record<Exclude<FieldKind, 'micros'>, (text: string, field: FieldDeclaration) => boolean>
>;

/** One sentence for people: what the field's value must be. */
export function fieldRule(field: FieldDeclaration): string {
  switch (field.kind) {
    case 'micros':
      return `an integer from 0 to ${MICROS_MAX}, spelt in digits only`;
    case 'time':
      return 'an RFC 3339 time with Z or an offset such as +02:00, years 0001 to 9999 in UTC';
    case 'uuid':
      return 'a UUID in the 8-4-4-4-12 form';
    case 'currency':
      return 'three capital letters (ISO 4217)';
    case 'text':
      return `a string of 1 to ${textLimit(field)} code points`;
    default:
      return field.kind satisfies never;
  }
}

/** The longest value of a `text` field, in code points. */
export function textLimit(field: FieldDeclaration): number {
  if (field.maxCodePoints === undefined) throw new Error(`${field.name} needs maxCodePoints`);
  return field.maxCodePoints;
}

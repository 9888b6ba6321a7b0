import { parseArgs, type ParseArgsConfig } from 'node:util';

/** The command line was wrong; exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

type Options = NonNullable<ParseArgsConfig['options']>;

/** Parses a command's arguments strictly. Throws UsageError naming what is wrong. */
export function parseCommand<const T extends Options>(
  args: readonly string[],
  options: T,
): ReturnType<typeof parseArgs<{ args: string[]; options: T; allowPositionals: true }>> {
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true, strict: true });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

/** A whole number within bounds from an option's text. */
export function wholeNumber(name: string, text: string, min: number, max: number): number {
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (!(value >= min && value <= max)) {
    throw new UsageError(`${name} must be a whole number from ${min} to ${max}, not "${text}"`);
  }
  return value;
}

const TIME = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,3})?)?(Z|[+-]\d{2}:\d{2})?)?$/;

/** Milliseconds since 1970 of an RFC 3339 time or a date; UTC unless an offset is given. */
export function timeMs(name: string, text: string): number {
  const hasZone = !text.includes('T') || /(Z|[+-]\d{2}:\d{2})$/.test(text);
  const ms = TIME.test(text) ? Date.parse(hasZone ? text : `${text}Z`) : Number.NaN;
  if (Number.isNaN(ms)) throw new UsageError(`${name} must be an RFC 3339 time, not "${text}"`);
  return ms;
}

const UNIT_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** Milliseconds of a duration such as `30s`, `12h`, `7d`. */
export function durationMs(name: string, text: string): number {
  const match = /^(\d{1,9})(ms|s|m|h|d)$/.exec(text);
  if (match === null) throw new UsageError(`${name} must be written 30s, 12h or 7d, not "${text}"`);
  return Number(match[1]) * (UNIT_MS[match[2] ?? ''] ?? 1);
}

/** An option that must be there. */
export function required(name: string, value: string | undefined): string {
  if (value === undefined || value.trim() === '') throw new UsageError(`${name} is required`);
  return value;
}

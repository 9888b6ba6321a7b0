/** One variable of the environment: how it is named, read, explained and shown. */
export interface EnvField<T> {
  readonly variable: string;
  /** What is allowed, for error messages and `--check-config`, e.g. "an integer 1..20000". */
  readonly allowed: string;
  /** The text used where the variable is unset or empty; undefined = required. */
  readonly defaultText: string | undefined;
  /** Never printed, not even in an error. */
  readonly secret: boolean;
  /** The value, or undefined where the text is not allowed. */
  parse(text: string): T | undefined;
  /** The value for people; credentials masked. */
  show(value: T): string;
}

export const MASK = '***';

interface CommonOptions<T> {
  readonly default?: T;
  readonly secret?: boolean;
}

function field<T>(
  variable: string,
  allowed: string,
  options: CommonOptions<T>,
  parse: (text: string) => T | undefined,
): EnvField<T> {
  const secret = options.secret ?? false;
  return {
    variable,
    allowed,
    defaultText: options.default === undefined ? undefined : String(options.default),
    secret,
    parse,
    show: (value) => (secret && value !== '' ? MASK : String(value)),
  };
}

/** Any text of 1..maxLength characters; `default: ''` makes it optional. */
export function text(
  variable: string,
  options: CommonOptions<string> & { maxLength?: number } = {},
): EnvField<string> {
  const maxLength = options.maxLength ?? 4096;
  return field(variable, `text of 1..${maxLength} characters`, options, (value) =>
    value.length <= maxLength && (value !== '' || options.default === '') ? value : undefined,
  );
}

/** A decimal integer within [min, max]. */
export function int(
  variable: string,
  options: CommonOptions<number> & { min: number; max: number },
): EnvField<number> {
  const { min, max } = options;
  return field(variable, `an integer ${min}..${max}`, options, (value) => {
    if (!/^-?\d{1,16}$/.test(value)) return undefined;
    const number = Number(value);
    return number >= min && number <= max ? number : undefined;
  });
}

/** A share between 0 and 1, both excluded, or `off`, which reads as null. */
export function shareOrOff(
  variable: string,
  options: CommonOptions<number> = {},
): EnvField<number | null> {
  const parse = (value: string) => {
    if (/^off$/i.test(value)) return null;
    const share = /^0?\.\d{1,6}$/.test(value) ? Number(value) : 0;
    return share > 0 ? share : undefined;
  };
  const allowed = 'a share between 0 and 1, both excluded, such as 0.5, or off';
  const declared = field<number | null>(variable, allowed, options, parse);
  return { ...declared, show: (value) => (value === null ? 'off' : String(value)) };
}

/** `true` or `false`, also `1`, `0`, `yes`, `no`. */
export function bool(variable: string, options: CommonOptions<boolean> = {}): EnvField<boolean> {
  return field(variable, 'true or false', options, (value) => {
    if (/^(true|1|yes)$/i.test(value)) return true;
    return /^(false|0|no)$/i.test(value) ? false : undefined;
  });
}

/** One of the given words. */
export function oneOf<const T extends string>(
  variable: string,
  values: readonly T[],
  options: CommonOptions<T> = {},
): EnvField<T> {
  return field(variable, `one of ${values.join(', ')}`, options, (value) =>
    values.find((candidate) => candidate === value),
  );
}

/** Whole numbers with commas between them; empty = none. */
export function wholeNumbers(
  variable: string,
  options: CommonOptions<ReadonlySet<number>> & { max: number },
): EnvField<ReadonlySet<number>> {
  const { max } = options;
  const allowed = `whole numbers 0..${max} with commas between them`;
  const parse = (value: string): ReadonlySet<number> | undefined => {
    const parts = value.split(',').map((part) => part.trim());
    const isFine = parts.every((part) => /^\d{1,16}$/.test(part) && Number(part) <= max);
    return isFine ? new Set(parts.map(Number)) : undefined;
  };
  return {
    ...field<ReadonlySet<number>>(variable, allowed, {}, parse),
    defaultText: '',
    parse: (value) => (value === '' ? new Set() : parse(value)),
    show: (value) => [...value].join(','),
  };
}

/** A URL with one of the given schemes; `default: ''` makes it optional. Its password is masked. */
export function url(
  variable: string,
  options: CommonOptions<string> & { schemes: readonly string[] },
): EnvField<string> {
  const allowed = `a URL beginning with ${options.schemes.map((scheme) => `${scheme}://`).join(' or ')}`;
  const parse = (value: string) => {
    if (value === '') return options.default === '' ? '' : undefined;
    const scheme = options.schemes.find((candidate) => value.startsWith(`${candidate}://`));
    return scheme !== undefined && value.length > scheme.length + 3 ? value : undefined;
  };
  const plain = field(variable, allowed, options, parse);
  return { ...plain, show: (value) => (plain.secret ? plain.show(value) : maskUrl(value)) };
}

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** A duration in milliseconds: `250`, `250ms`, `5s`, `2m`, `1h`. */
export function durationMs(
  variable: string,
  options: CommonOptions<number> & { min: number; max: number },
): EnvField<number> {
  const { min, max } = options;
  const allowed = `a duration of ${min}..${max} ms, written 250, 250ms, 5s, 2m or 1h`;
  return field(variable, allowed, options, (value) => {
    const match = /^(\d{1,12})(ms|s|m|h)?$/.exec(value);
    if (match === null) return undefined;
    const number = Number(match[1]) * (UNIT_MS[match[2] ?? 'ms'] ?? 1);
    return number >= min && number <= max ? number : undefined;
  });
}

/** Hides the password and every parameter whose name speaks of one; several hosts are fine. */
function maskUrl(value: string): string {
  return value
    .replace(/^([^/]*\/\/[^:@/]*):[^@]*@/, `$1:${MASK}@`)
    .replace(/([?&][^=&]*(?:password|secret|token|key)[^=&]*=)[^&]*/gi, `$1${MASK}`);
}

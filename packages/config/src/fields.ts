import { field, type EnvField, type FieldOptions } from './field.ts';
import { MASK, maskUrl } from './mask.ts';

interface TextOptions extends FieldOptions<string> {
  readonly maxLength?: number;
  /** Never printed, not even in an error. */
  readonly hidden?: boolean;
  /** Blanks around it are no part of it. */
  readonly trim?: boolean;
}

/** Any text of 1..maxLength characters; `default: ''` makes it optional. */
export function text(variable: string, options: TextOptions): EnvField<string> {
  const { maxLength = 4096, hidden = false } = options;
  return field(variable, {
    ...options,
    allowed: `text of 1..${maxLength} characters`,
    defaultText: options.default,
    parse: (value) =>
      value.length <= maxLength && (value !== '' || options.default === '') ? value : undefined,
    show: (value) => (hidden && value !== '' ? MASK : value),
  });
}

/** A decimal integer within [min, max]. */
export function int(
  variable: string,
  options: FieldOptions<number> & { min: number; max: number },
): EnvField<number> {
  const { min, max } = options;
  return field(variable, {
    ...options,
    allowed: `an integer ${min}..${max}`,
    defaultText: textOf(options.default),
    parse: (value) => {
      if (!/^-?\d{1,16}$/.test(value)) return undefined;
      const number = Number(value);
      return number >= min && number <= max ? number : undefined;
    },
  });
}

/** As `int`; unset and empty read as null. */
export function optionalInt(
  variable: string,
  options: FieldOptions<never> & { min: number; max: number },
): EnvField<number | null> {
  const required = int(variable, options);
  return {
    ...required,
    defaultText: '',
    show: (value) => (value === null ? '' : required.show(value)),
    read: (env) => ((env[variable]?.trim() ?? '') === '' ? { value: null } : required.read(env)),
  };
}

/** A share between 0 and 1, both excluded, or `off`, which reads as null. */
export function shareOrOff(
  variable: string,
  options: FieldOptions<number>,
): EnvField<number | null> {
  return field<number | null>(variable, {
    ...options,
    allowed: 'a share between 0 and 1, both excluded, such as 0.5, or off',
    defaultText: textOf(options.default),
    parse: (value) => {
      if (/^off$/i.test(value)) return null;
      const share = /^0?\.\d{1,6}$/.test(value) ? Number(value) : 0;
      return share > 0 ? share : undefined;
    },
    show: (value) => (value === null ? 'off' : String(value)),
  });
}

/** `true` or `false`, also `1`, `0`, `yes`, `no`. */
export function bool(variable: string, options: FieldOptions<boolean>): EnvField<boolean> {
  return field(variable, {
    ...options,
    allowed: 'true or false',
    defaultText: textOf(options.default),
    parse: (value) => {
      if (/^(true|1|yes)$/i.test(value)) return true;
      return /^(false|0|no)$/i.test(value) ? false : undefined;
    },
  });
}

/** One of the given words. */
export function oneOf<const T extends string>(
  variable: string,
  values: readonly T[],
  options: FieldOptions<T>,
): EnvField<T> {
  return field(variable, {
    ...options,
    allowed: `one of ${values.join(', ')}`,
    defaultText: options.default,
    parse: (value) => values.find((candidate) => candidate === value),
  });
}

/** Whole numbers with commas between them; empty = none. */
export function wholeNumbers(
  variable: string,
  options: FieldOptions<never> & { max: number },
): EnvField<ReadonlySet<number>> {
  const { max } = options;
  const parse = (value: string): ReadonlySet<number> | undefined => {
    const parts = value.split(',').map((part) => part.trim());
    const isFine = parts.every((part) => /^\d{1,16}$/.test(part) && Number(part) <= max);
    return isFine ? new Set(parts.map(Number)) : undefined;
  };
  return field<ReadonlySet<number>>(variable, {
    ...options,
    allowed: `whole numbers 0..${max} with commas between them`,
    defaultText: '',
    parse: (value) => (value === '' ? new Set() : parse(value)),
    show: (value) => [...value].join(','),
  });
}

interface UrlOptions extends FieldOptions<string> {
  readonly schemes: readonly string[];
  /** Never printed at all, not even with its password masked. */
  readonly hidden?: boolean;
}

/** A URL with one of the given schemes; `default: ''` makes it optional. Its password is masked. */
export function url(variable: string, options: UrlOptions): EnvField<string> {
  const { schemes, hidden = false } = options;
  return field(variable, {
    ...options,
    allowed: `a URL beginning with ${schemes.map((scheme) => `${scheme}://`).join(' or ')}`,
    defaultText: options.default,
    parse: (value) => {
      if (value === '') return options.default === '' ? '' : undefined;
      const scheme = schemes.find((candidate) => value.startsWith(`${candidate}://`));
      return scheme !== undefined && value.length > scheme.length + 3 ? value : undefined;
    },
    show: (value) => (hidden && value !== '' ? MASK : maskUrl(value)),
  });
}

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

interface DurationOptions extends FieldOptions<number> {
  readonly min: number;
  readonly max: number;
  /** Nothing finer is taken, for what is kept in seconds elsewhere. */
  readonly isWholeSeconds?: boolean;
}

/** A duration in milliseconds: `250`, `250ms`, `5s`, `2m`, `1h`. */
export function durationMs(variable: string, options: DurationOptions): EnvField<number> {
  const { min, max, isWholeSeconds = false } = options;
  return field(variable, {
    ...options,
    allowed: isWholeSeconds
      ? `a duration of ${min / 1_000}..${max / 1_000} s in whole seconds, written 5s, 2m or 1h`
      : `a duration of ${min}..${max} ms, written 250, 250ms, 5s, 2m or 1h`,
    defaultText: options.default === undefined ? undefined : durationText(options.default),
    parse: (value) => {
      const match = /^(\d{1,12})(ms|s|m|h)?$/.exec(value);
      if (match === null) return undefined;
      const number = Number(match[1]) * (UNIT_MS[match[2] ?? 'ms'] ?? 1);
      if (isWholeSeconds && number % 1_000 !== 0) return undefined;
      return number >= min && number <= max ? number : undefined;
    },
  });
}

/** As people write it: `4h`, `5m`, `90s`, `250ms`. */
function durationText(ms: number): string {
  if (ms >= 3_600_000 && ms % 3_600_000 === 0) return `${ms / 3_600_000}h`;
  if (ms >= 120_000 && ms % 60_000 === 0) return `${ms / 60_000}m`;
  return ms >= 1_000 && ms % 1_000 === 0 ? `${ms / 1_000}s` : `${ms}ms`;
}

function textOf(value: number | boolean | undefined): string | undefined {
  return value === undefined ? undefined : String(value);
}

import { field } from '@adtally/config';

/** One of the words in any case; '' where that is the default. */
export function word<const T extends string, D extends T | ''>(
  variable: string,
  allowed: readonly T[],
  options: { default: D; meaning: string },
) {
  return field<T | D>(variable, {
    allowed: `one of ${allowed.join(', ')}`,
    meaning: options.meaning,
    defaultText: options.default,
    trim: true,
    parse: (value) =>
      value === options.default
        ? options.default
        : allowed.find((candidate) => candidate.toLowerCase() === value.toLowerCase()),
  });
}

/** As a table names them. */
export function words(allowed: readonly string[]): string {
  return allowed.map((one) => `\`${one}\``).join(' ');
}

import { UNKNOWN } from './filter-options.ts';
import { printable } from './words.ts';

/** What a record says of itself, for people: one line of ASCII, `unknown` where it does not say. */
export function factText(fact: string): string {
  return fact === '' ? UNKNOWN : printable(fact);
}

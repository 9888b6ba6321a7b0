import { closestMatch } from 'leven';

/** Letters that may be wrong in a word before it is taken for another one. */
const DISTANCE_MAX = 3;

/** ` (Did you mean demo?)`, or nothing where no known word is near. Commands and options have it by commander. */
export function didYouMean(word: string, known: readonly string[]): string {
  // Of a short word most letters must be right: `x` is not near `up`.
  const maxDistance = Math.min(DISTANCE_MAX, Math.ceil(word.length / 3));
  const near = closestMatch(word, known, { maxDistance });
  return near === undefined ? '' : ` (Did you mean ${near}?)`;
}

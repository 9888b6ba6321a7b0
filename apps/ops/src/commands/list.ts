import {
  command,
  EXIT,
  formatTable,
  id,
  JSON_OPTION,
  option,
  printJson,
  say,
  wholeNumber,
} from '@adtally/command-line';
import { DEAD_LETTER_STATES, jsonInteger } from '@adtally/db';
import { findLetters, type LetterSummary } from '@adtally/letters';
import { filterOf, filterOptions } from '../filter-options.ts';
import { factText } from '../letter-facts.ts';
import { onDatabase, type OpsEnvironment } from '../on-database.ts';
import { coordinate, printable, span } from '../words.ts';

const LIMIT_MAX = 10_000;
const HEADER =
  'ID STATE CODE FIELD VERSION SOURCE CAMPAIGN FINGERPRINT COORDINATE TRIES AGE MESSAGE'.split(' ');

/** Letters a page at a time. */
export const list = command({
  options: {
    ...filterOptions(DEAD_LETTER_STATES),
    limit: option(wholeNumber(1, LIMIT_MAX), 'how many at once', { default: 50 }),
    after: option(id('letter'), 'go on after this letter'),
    ...JSON_OPTION,
  },
  run: async ({ options: { limit, after, json, ...filter } }, environment: OpsEnvironment) =>
    await onDatabase(environment, async ({ db }) => {
      const { letters, next } = await findLetters(db, filterOf(filter, ['pending', 'dead']), {
        limit,
        after,
      });
      if (json) {
        printJson({
          letters: letters.map(letterJson),
          next: next === null ? null : jsonInteger(next),
        });
        return EXIT.success;
      }
      if (letters.length === 0)
        say('no letters match; without --state only pending and dead ones do');
      else process.stdout.write(`${lettersText(letters)}\n`);
      if (next !== null) say(`there are more: --after ${next}`);
      return EXIT.success;
    }),
});

function letterJson(letter: LetterSummary): object {
  return {
    id: jsonInteger(letter.letterId),
    state: letter.state,
    code: letter.code,
    fingerprint: letter.fingerprint,
    field: letter.field,
    message: letter.message,
    version: letter.claimedVersion || null,
    source: letter.claimedSource || null,
    campaign: letter.claimedCampaign || null,
    topic: letter.topic,
    partition: letter.partition,
    offset: jsonInteger(letter.offset),
    series: letter.series,
    attempts: letter.attempts,
    attempts_max: letter.attemptsMax,
    recorded_at: letter.recordedAt,
    age_seconds: Math.round(letter.ageSeconds),
  };
}

function lettersText(letters: readonly LetterSummary[]): string {
  const rows = letters.map((letter) => [
    String(letter.letterId),
    letter.state,
    printable(letter.code),
    printable(letter.field),
    factText(letter.claimedVersion),
    factText(letter.claimedSource),
    factText(letter.claimedCampaign),
    printable(letter.fingerprint),
    coordinate(letter),
    `${letter.attempts}/${letter.attemptsMax}${letter.series > 1 ? ` s${letter.series}` : ''}`,
    span(letter.ageSeconds),
    printable(letter.message),
  ]);
  return formatTable([HEADER, ...rows], new Set([0]));
}

import { formatTable, parseCommand, printJson, say, wholeNumberOf } from '@adtally/command-line';
import { jsonInteger } from '@adtally/db';
import { findLetters, type LetterSummary } from '@adtally/letters';
import { EXIT } from '../exit-codes.ts';
import { FILTER_OPTIONS, readFilter } from '../filter-options.ts';
import { readId } from '../options.ts';
import type { Command } from '../context.ts';
import { coordinate, printable, span } from '../words.ts';

const LIMIT_MAX = 10_000;

/** `dead-letters list`: letters, newest first, a page at a time. */
export const list: Command = (args) => {
  const { values } = parseCommand(args, {
    ...FILTER_OPTIONS,
    json: { type: 'boolean', default: false },
    limit: { type: 'string', default: '50' },
    after: { type: 'string' },
  });
  const filter = readFilter(values, { states: ['pending', 'dead'] });
  const limit = wholeNumberOf('limit', values.limit, 1, LIMIT_MAX);
  const after = values.after === undefined ? undefined : readId('letter', values.after);
  return async ({ db }) => {
    const { letters, next } = await findLetters(db, filter, { limit, after });
    if (values.json) {
      printJson({
        letters: letters.map(letterJson),
        next: next === null ? null : jsonInteger(next),
      });
      return EXIT.ok;
    }
    if (letters.length === 0)
      say('no letters match; without --state only pending and dead ones do');
    else process.stdout.write(`${lettersText(letters)}\n`);
    if (next !== null) say(`there are more: --after ${next}`);
    return EXIT.ok;
  };
};

function letterJson(letter: LetterSummary): object {
  return {
    id: jsonInteger(letter.letterId),
    state: letter.state,
    code: letter.code,
    fingerprint: letter.fingerprint,
    field: letter.field,
    message: letter.message,
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
    printable(letter.fingerprint),
    coordinate(letter),
    `${letter.attempts}/${letter.attemptsMax}${letter.series > 1 ? ` s${letter.series}` : ''}`,
    span(letter.ageSeconds),
    printable(letter.message),
  ]);
  const header = ['ID', 'STATE', 'CODE', 'FINGERPRINT', 'COORDINATE', 'TRIES', 'AGE', 'MESSAGE'];
  return formatTable([header, ...rows], new Set([0]));
}

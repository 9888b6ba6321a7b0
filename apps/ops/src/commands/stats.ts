import {
  command,
  EXIT,
  formatTable,
  JSON_OPTION,
  option,
  printJson,
  say,
  wholeNumber,
} from '@adtally/command-line';
import { DEAD_LETTER_STATES, jsonInteger } from '@adtally/db';
import { letterStats, type LetterGroup, type LetterStats } from '@adtally/letters';
import { filterOf, filterOptions } from '../filter-options.ts';
import { onDatabase, type OpsEnvironment } from '../on-database.ts';
import { coordinate, count, printable } from '../words.ts';

const GROUPS_MAX = 1_000;

/** Counts by state and by cause, the largest causes first. */
export const stats = command({
  options: {
    ...filterOptions(DEAD_LETTER_STATES),
    groups: option(wholeNumber(1, GROUPS_MAX), 'how many causes', { default: 20 }),
    ...JSON_OPTION,
  },
  run: async ({ options: { groups, json, ...filter } }, environment: OpsEnvironment) =>
    await onDatabase(environment, async ({ db }) => {
      const found = await letterStats(db, filterOf(filter), { groups });
      if (json) printJson(statsJson(found));
      else if (found.letters === 0) say('no letters match');
      else process.stdout.write(`${statsText(found)}\n`);
      return EXIT.success;
    }),
});

function statsJson(found: LetterStats): object {
  return {
    letters: found.letters,
    by_state: found.byState,
    causes: found.groupCount,
    groups: found.groups.map((group) => ({
      fingerprint: group.fingerprint,
      code: group.code,
      field: group.field,
      message: group.message,
      letters: group.letters,
      by_state: group.byState,
      first_seen: group.firstSeen,
      last_seen: group.lastSeen,
      sample: {
        id: jsonInteger(group.sample.letterId),
        topic: group.sample.topic,
        partition: group.sample.partition,
        offset: jsonInteger(group.sample.offset),
      },
    })),
  };
}

function statsText(found: LetterStats): string {
  const header = ['LETTERS', 'CODE', 'FINGERPRINT', 'STATES', 'FIRST', 'LAST', 'SAMPLE', 'MESSAGE'];
  const table = formatTable([header, ...found.groups.map(groupRow)], new Set([0]));
  const cut = found.groupCount - found.groups.length;
  return [
    `${count(found.letters)} letters: ${statesText(found.byState)}`,
    '',
    table,
    ...(cut > 0 ? [`... and ${count(cut)} more causes (--groups N)`] : []),
  ].join('\n');
}

function groupRow(group: LetterGroup): string[] {
  return [
    count(group.letters),
    printable(group.code),
    printable(group.fingerprint),
    statesText(group.byState),
    minute(group.firstSeen),
    minute(group.lastSeen),
    coordinate(group.sample),
    printable(group.message),
  ];
}

function statesText(byState: Readonly<Record<string, number>>): string {
  return Object.entries(byState)
    .map(([state, letters]) => `${count(letters)} ${state}`)
    .join(', ');
}

function minute(time: Date): string {
  return `${time.toISOString().slice(0, 16)}Z`;
}

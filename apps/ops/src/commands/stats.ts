import {
  choice,
  command,
  EXIT,
  formatTable,
  JSON_OPTION,
  list,
  option,
  printJson,
  say,
  wholeNumber,
} from '@adtally/command-line';
import { DEAD_LETTER_STATES, jsonInteger } from '@adtally/db';
import {
  LETTER_FACTS,
  letterStats,
  type LetterFact,
  type LetterGroup,
  type LetterStats,
} from '@adtally/letters';
import { filterOf, filterOptions } from '../filter-options.ts';
import { factText } from '../letter-facts.ts';
import { onDatabase, type OpsEnvironment } from '../on-database.ts';
import { coordinate, count, printable } from '../words.ts';

const GROUPS_MAX = 1_000;

/** Counts by state and by cause, or by what `--by` names; the largest groups first. */
export const stats = command({
  options: {
    ...filterOptions(DEAD_LETTER_STATES),
    by: list(
      choice(LETTER_FACTS, 'FACT'),
      `group by ${LETTER_FACTS.join(', ')} instead of the cause; several with commas`,
    ),
    groups: option(wholeNumber(1, GROUPS_MAX), 'how many groups', { default: 20 }),
    ...JSON_OPTION,
  },
  run: async (
    { options: { groups, by: given = [], json, ...filter } },
    environment: OpsEnvironment,
  ) =>
    await onDatabase(environment, async ({ db }) => {
      const by = [...new Set(given)];
      const found = await letterStats(db, filterOf(filter), { groups, by });
      if (json) printJson(statsJson(found, by));
      else if (found.letters === 0) say('no letters match');
      else process.stdout.write(`${statsText(found, by)}\n`);
      return EXIT.success;
    }),
});

function statsJson(found: LetterStats, by: readonly LetterFact[]): object {
  return {
    letters: found.letters,
    by_state: found.byState,
    ...(by.length === 0 ? { causes: found.groupCount } : { by, group_count: found.groupCount }),
    groups: found.groups.map((group) => ({
      ...(by.length === 0 ? causeJson(group) : { facts: factsJson(group, by) }),
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

function causeJson({ fingerprint, code, field, message }: LetterGroup): object {
  return { fingerprint, code, field, message };
}

function factsJson({ facts }: LetterGroup, by: readonly LetterFact[]): object {
  return Object.fromEntries(by.map((fact) => [fact, facts[fact] || null]));
}

function statsText(found: LetterStats, by: readonly LetterFact[]): string {
  const rows = [headerRow(by), ...found.groups.map((group) => groupRow(group, by))];
  const cut = found.groupCount - found.groups.length;
  return [
    `${count(found.letters)} letters: ${statesText(found.byState)}`,
    '',
    formatTable(rows, new Set([0])),
    ...(cut > 0 ? [`... and ${count(cut)} more (--groups N)`] : []),
  ].join('\n');
}

function headerRow(by: readonly LetterFact[]): string[] {
  const common = ['STATES', 'FIRST', 'LAST', 'SAMPLE'];
  return by.length === 0
    ? ['LETTERS', 'CODE', 'FINGERPRINT', ...common, 'MESSAGE']
    : ['LETTERS', ...by.map((fact) => fact.toUpperCase()), ...common];
}

function groupRow(group: LetterGroup, by: readonly LetterFact[]): string[] {
  const letters = count(group.letters);
  const common = [
    statesText(group.byState),
    minute(group.firstSeen),
    minute(group.lastSeen),
    coordinate(group.sample),
  ];
  if (by.length > 0) {
    return [letters, ...by.map((fact) => factText(group.facts[fact] ?? '')), ...common];
  }
  const { code, fingerprint, message } = group;
  return [letters, printable(code), printable(fingerprint), ...common, printable(message)];
}

function statesText(byState: Readonly<Record<string, number>>): string {
  return Object.entries(byState)
    .map(([state, letters]) => `${count(letters)} ${state}`)
    .join(', ');
}

function minute(time: Date): string {
  return `${time.toISOString().slice(0, 16)}Z`;
}

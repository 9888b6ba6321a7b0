import { writeFileSync } from 'node:fs';
import { benchLines, type BenchReport, FULL, markdown, QUICK, type Sizes } from '@adtally/bench';
import {
  DEPLOY_WAYS,
  type DeployName,
  GOALS_REVISION,
  hasMultiples,
  LINE_SUMMARIES,
  type LineName,
} from '@adtally/bench/names';
import {
  choice,
  type Command,
  command,
  EXIT,
  flag,
  JSON_OPTION,
  list,
  option,
  printJson,
  say,
  text,
  wholeNumber,
} from '@adtally/command-line';
import { onStack } from './on-stack.ts';

const DESCRIPTION = `What is measured and how: tools/bench/README.md. Exit code 0 only when every line was measured and
what it counted was exact; goals that are not met are in the table and change no exit code.`;

const WAYS = Object.keys(DEPLOY_WAYS) as DeployName[];
const NAMES = Object.keys(LINE_SUMMARIES) as LineName[];
const EVENTS_MAX = 20_000_000;
const REPEAT_MAX = 100;
const RATE_MAX = 1_000_000;
const SECONDS_MAX = 3_600;
const LETTERS_MIN = 1_000;
const LETTERS_MAX = 5_000_000;
const ROWS_MIN = 5_000_000;
const ROWS_MAX = 1_000_000_000;

const OPTIONS = {
  against: option(
    text('REV'),
    `compare with this revision, built in the cache; all and build: ${GOALS_REVISION} unless given`,
  ),
  quick: flag('smaller and fewer: see tools/bench/README.md'),
  events: option(wholeNumber(1, EVENTS_MAX), 'records of a filled topic'),
  repeat: option(wholeNumber(1, REPEAT_MAX), 'times each way of a comparison, starts; medians'),
  seed: option(wholeNumber(0, Number.MAX_SAFE_INTEGER), 'what the events are made from', {
    default: 1,
  }),
  rate: option(wholeNumber(1, RATE_MAX), 'live, deploy: events a second'),
  seconds: option(wholeNumber(2, SECONDS_MAX), 'live: how long; deploy: from its beginning on'),
  ways: list(choice(WAYS, 'WAY'), 'deploy: these ways only'),
  letters: option(wholeNumber(LETTERS_MIN, LETTERS_MAX), 'reprocess: dead letters'),
  rows: option(wholeNumber(ROWS_MIN, ROWS_MAX), 'growth: rows of the grown table'),
  picture: option(text('FILE'), 'deploy: draw the lag there, as SVG'),
  markdown: option(text('FILE'), 'write the table there as well'),
  ...JSON_OPTION,
} as const;

interface Given {
  readonly quick: boolean;
  readonly events: number | undefined;
  readonly repeat: number | undefined;
  readonly seed: number;
  readonly ways: readonly DeployName[] | undefined;
  readonly letters: number | undefined;
  readonly rows: number | undefined;
  readonly rate: number | undefined;
  readonly seconds: number | undefined;
  readonly against: string | undefined;
  readonly picture: string | undefined;
  readonly markdown: string | undefined;
  readonly json: boolean;
}

/** The command of one line. */
export function lineCommand(name: LineName): Command<void> {
  return command({
    description: DESCRIPTION,
    options: OPTIONS,
    run: async ({ options }) => await run([name], options, null),
  });
}

/** Several lines in one table; all where none is named. */
export const all = command({
  description: DESCRIPTION,
  options: {
    lines: list(choice(NAMES, 'LINE'), 'these lines only'),
    ...OPTIONS,
  },
  run: async ({ options: { lines, ...options } }) => await run(lines ?? NAMES, options),
});

export const build = command({
  description: DESCRIPTION,
  options: OPTIONS,
  run: async ({ options }) => await run(['clean', 'mix'], options),
});

/** @param goals the build that the goals are multiples of, for lines that have such */
async function run(
  lines: readonly LineName[],
  given: Given,
  goals: string | null = GOALS_REVISION,
): Promise<number> {
  const sizes = sizesOf(given);
  const report = await onStack((addresses, kafka, onProgress, signal) =>
    benchLines(addresses, kafka, {
      lines,
      sizes,
      seed: given.seed,
      against: given.against ?? (lines.some(hasMultiples) ? goals : null),
      ...(given.ways === undefined ? {} : { ways: [...new Set(given.ways)] }),
      ...(given.picture === undefined ? {} : { picture: given.picture }),
      onProgress,
      onLine: tellLine,
      signal,
    }),
  );
  tellProblems(report);
  if (given.markdown !== undefined) writeFileSync(given.markdown, `${markdown(report)}\n`);
  if (given.json) printJson(report);
  else process.stdout.write(`${markdown(report)}\n`);
  return report.exact ? EXIT.success : EXIT.failure;
}

function sizesOf({ quick, rate, seconds, ...given }: Given): Sizes {
  const sizes = quick ? QUICK : FULL;
  const live = (size: Sizes['live']) => ({
    rate: rate ?? size.rate,
    seconds: seconds ?? size.seconds,
  });
  return {
    ...sizes,
    events: given.events ?? sizes.events,
    rounds: given.repeat ?? sizes.rounds,
    live: live(sizes.live),
    liveFast: live(sizes.liveFast),
    deploy: {
      ...sizes.deploy,
      rate: rate ?? sizes.deploy.rate,
      deploySeconds: seconds ?? sizes.deploy.deploySeconds,
    },
    starts: Math.max(given.repeat ?? 0, sizes.starts),
    letters: given.letters ?? sizes.letters,
    growth: { ...sizes.growth, rows: given.rows ?? sizes.growth.rows },
  };
}

/** What has a goal is told at once: a long run may be interrupted. */
function tellLine({ line, seconds, figures }: BenchReport['lines'][number]): void {
  say(`${line}: measured in ${seconds} s`);
  for (const { name, measured, unit, goal, met } of figures) {
    if (goal === null || measured === null) continue;
    say(`  ${name} ${measured} ${unit} (${goal}: ${met === true ? 'met' : 'not met'})`);
  }
}

function tellProblems({ lines }: BenchReport): void {
  for (const { line, problems } of lines)
    for (const problem of problems) say(`${line}: ${problem}`);
}

import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import {
  appsOf,
  crashBuild,
  crashSeries,
  provenance,
  recordPassages,
  reportMarkdown,
  sample,
  STAGES,
  wronglyNamed,
  type RecordedResult,
  type Signal,
  type Target,
} from '@adtally/crash-series';
import {
  command,
  EXIT,
  flag,
  JSON_OPTION,
  option,
  printJson,
  say,
  text,
  wholeNumber,
} from '@adtally/command-line';
import { ensureStack } from '@adtally/local-stack';
import { stackEnvironment } from '../stack.ts';

const JOBS_MAX = 16;

export const crashSeriesCommand = command({
  description: `Every await of the protocols is a place (docs/adr/0043). At each a real process is killed with SIGKILL, or with --stop
stopped with SIGSTOP until another one has taken over, and then let go on; afterwards the audit and the books of what was
sent decide. Exit code 0 only where each place is passed or excused, each process ended at its place, and all totals were
exact. The whole takes half an hour on two free cores, with --stop longer: results are recorded as they come, and a run with the same file goes on.`,
  options: {
    stop: flag('SIGSTOP, a successor, SIGCONT; instead of SIGKILL'),
    places: option(text('PATTERN'), 'parts of the names, such as `pipeline/,dedup/`', {
      default: '',
    }),
    count: option(wholeNumber(0, 10_000), 'so many places and sides by --seed; 0 = all', {
      default: 0,
    }),
    seed: option(wholeNumber(0, Number.MAX_SAFE_INTEGER), 'which ones', { default: 1 }),
    jobs: option(wholeNumber(1, JOBS_MAX), 'worlds at a time', { default: 2 }),
    results: option(text('FILE'), 'where to add the results, one JSON line each', { default: '' }),
    markdown: option(text('FILE'), 'where to write the report on all recorded results', {
      default: '',
    }),
    ...JSON_OPTION,
  },
  run: async ({ options }) => {
    const { places, count, jobs, results: file, markdown, json } = options;
    const signal: Signal = options.stop ? 'SIGSTOP' : 'SIGKILL';
    Object.assign(process.env, stackEnvironment(await ensureStack()));
    const known = file === '' ? [] : recorded(file);
    const done = new Set(
      known
        .filter((result) => result.signal === signal && result.problems.length === 0)
        .map(({ side, name }) => `${side} ${name}`),
    );
    // What runs is ended when this process exits, and a signal alone would not run those last words.
    for (const end of ['SIGINT', 'SIGTERM'] as const) {
      process.once(end, () => process.exit(EXIT.failure));
    }
    const seed = String(options.seed);
    const choose = (reachable: readonly Target[]): Target[] => {
      const parts = places.split(',');
      const named = reachable.filter(({ name }) => parts.some((part) => name.includes(part)));
      const some = count === 0 ? named : sample(named, count, seed);
      return some.filter(({ side, name }) => !done.has(`${side} ${name}`));
    };
    const of = { command: commandOf(options), ...provenance() };
    const fresh: RecordedResult[] = [];
    const build = await crashBuild(appsOf(STAGES));
    try {
      say('letting every stage run undisturbed, to see which places it passes');
      const passages = await recordPassages(build, STAGES, jobs);
      const wrong = wronglyNamed(passages);
      for (const line of wrong) say(line);
      await crashSeries(build, passages, {
        signal,
        jobs,
        choose,
        say,
        onResult: (result) => {
          const told = { ...result, ...of, at: new Date().toISOString() };
          fresh.push(told);
          if (file !== '') appendFileSync(file, `${JSON.stringify(told)}\n`);
        },
      });
      if (markdown !== '') writeFileSync(markdown, reportMarkdown([...known, ...fresh]));
      const isGood = wrong.length === 0 && fresh.every(({ problems }) => problems.length === 0);
      if (json) printJson({ signal, wrongly_named: wrong, results: fresh });
      return isGood ? EXIT.success : EXIT.failure;
    } finally {
      build.close();
    }
  },
});

interface WhichOnes {
  readonly stop: boolean;
  readonly places: string;
  readonly count: number;
  readonly seed: number;
  readonly jobs: number;
}

/** The command as a reader repeats it: what decides which processes went, and not where that was written. */
function commandOf({ stop, places, count, seed, jobs }: WhichOnes): string {
  return [
    './dev crash-series',
    ...(stop ? ['--stop'] : []),
    ...(places === '' ? [] : [`--places '${places}'`]),
    ...(count === 0 ? [] : [`--count ${count} --seed ${seed}`]),
    `--jobs ${jobs}`,
  ].join(' ');
}

function recorded(file: string): RecordedResult[] {
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, 'utf8').split('\n').filter(Boolean);
  return lines.map((line) => JSON.parse(line) as RecordedResult);
}

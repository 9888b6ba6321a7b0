import { globSync } from 'node:fs';
import {
  choice,
  command,
  EXIT,
  flag,
  operands,
  option,
  text,
  UsageError,
  wholeNumber,
} from '@adtally/command-line';
import { ensureStack, repositoryRoot } from '@adtally/local-stack';
import { stackEnvironment } from '../stack.ts';
import { affectedPackages, type AffectedPackage, findBase } from '../testing/affected.ts';
import { buildTestedApps } from '../testing/built-apps.ts';
import { addCounts, type Counts, NO_COUNTS, summaryLine } from '../testing/counts.ts';
import { execute } from '../testing/execute.ts';
import { type Gate, GATES, gatesOf } from '../testing/gates.ts';
import { failureLines, repeatRuns, totalOf } from '../testing/repeat.ts';
import { runTests } from '../testing/run-tests.ts';

const REPEAT_MAX = 1_000;

interface Selection {
  readonly gates: readonly Gate[];
  /** Parts of test files' paths; none = every test. Null = no test. */
  readonly tests: readonly string[] | null;
  readonly repeat: number;
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

function heading(title: string): void {
  say(`\n== ${title}`);
}

async function runGates(gates: readonly Gate[]): Promise<Counts> {
  let counts = NO_COUNTS;
  for (const gate of gates) {
    heading(gate.title);
    const passed = (await execute(gate.command, process.env)) === 0;
    say(`${gate.title}: ${passed ? 'ok' : 'FAILED'}`);
    counts = addCounts(counts, {
      passed: passed ? 1 : 0,
      failed: passed ? 0 : 1,
      skipped: 0,
    });
  }
  return counts;
}

/** The tests run against the stack's real servers, whose addresses they get in the environment. */
async function runAll(
  tests: readonly string[],
  repeat: number,
  given: Readonly<Record<string, string>>,
): Promise<Counts> {
  const stack = stackEnvironment(await ensureStack());
  const built = tests.length === 0 ? { ADTALLY_BUILT_APPS: await buildTestedApps() } : {};
  const env = { ...process.env, ...stack, ...built, ...given };
  heading('unit, property and integration tests');
  const runs = await repeatRuns(repeat, async () => await runTests(tests, env), say);
  for (const line of failureLines(runs)) say(line);
  return totalOf(runs);
}

/** Says what is compared with what, and what that comes to. */
async function affectedBy(ref: string | undefined): Promise<AffectedPackage[]> {
  const base = await findBase(repositoryRoot, ref);
  const packages = await affectedPackages(repositoryRoot, base.commit);
  heading('affected packages');
  say(`changes since ${base.commit.slice(0, 12)} (where HEAD left ${base.ref}), committed or not`);
  say(
    packages.length === 0
      ? 'none: nothing differs from there, so no package is typechecked or tested'
      : packages.map(({ path }) => path).join('\n'),
  );
  return packages;
}

function hasTests({ path }: AffectedPackage): boolean {
  return globSync(`${path}/{src,test}/**/*.test.ts`, { cwd: repositoryRoot }).length > 0;
}

export const test = command({
  description: `Every gate and every test, also after a failure; with filters only those tests. Ends with one line of
totals, of all runs together; exit code 0 only when nothing failed.`,
  options: {
    only: option(choice(['gates', 'tests']), 'leave the others out'),
    repeat: option(wholeNumber(1, REPEAT_MAX), 'run the tests so many times', { default: 1 }),
    affected: flag('only the tests and types of the packages that a change reaches'),
    reader: option(
      choice(['direct', 'librdkafka']),
      'RECORD_READER of every test of reading and of every service that tests start',
    ),
    base: option(text('REF'), 'what --affected compares with; by default origin/main, else main'),
  },
  operands: { filters: operands('filters', "parts of test files' paths") },
  run: async ({ options, operands: { filters } }) => {
    const { gates, tests, repeat } = await select(options, filters);
    let counts = await runGates(gates);
    if (tests !== null) {
      const given = options.reader === undefined ? {} : { RECORD_READER: options.reader };
      counts = addCounts(counts, await runAll(tests, repeat, given));
    }
    say(`\n${summaryLine(counts)}`);
    return counts.failed === 0 ? EXIT.success : EXIT.failure;
  },
});

interface TestOptions {
  readonly only: 'gates' | 'tests' | undefined;
  readonly repeat: number;
  readonly affected: boolean;
  readonly reader: 'direct' | 'librdkafka' | undefined;
  readonly base: string | undefined;
}

/** @throws UsageError where options contradict each other */
async function select(
  { only: wanted, repeat, affected: isByChange, base, reader }: TestOptions,
  filters: readonly string[],
): Promise<Selection> {
  const isPart = filters.length > 0 || repeat > 1;
  const only = wanted ?? (isPart ? 'tests' : 'all');
  if (only === 'gates' && isPart) {
    throw new UsageError('gates check the whole repository, once: no filters and no --repeat');
  }
  if (only === 'gates' && reader !== undefined) {
    throw new UsageError('gates read no topic: no --reader beside them');
  }
  if (isByChange && filters.length > 0) {
    throw new UsageError('--affected chooses the tests: no filters beside it');
  }
  if (base !== undefined && !isByChange) {
    throw new UsageError('--base says what --affected compares with');
  }
  const affected = isByChange ? await affectedBy(base) : undefined;
  const folders = affected?.filter(hasTests).map(({ path }) => `${path}/`);
  return {
    gates: only === 'tests' ? [] : affected === undefined ? GATES : gatesOf(affected),
    tests: only === 'gates' || folders?.length === 0 ? null : (folders ?? filters),
    repeat,
  };
}

import { addCounts, type Counts, NO_COUNTS, summaryLine } from './counts.ts';

/** What one run of the tests came to. */
export interface TestRun {
  readonly counts: Counts;
  /** The tests that failed, each by its file and its name. */
  readonly failed: readonly string[];
}

/** Runs tests so many times, also after a failure, and says how each run ended. Gives all of them. */
export async function repeatRuns(
  times: number,
  runOnce: () => Promise<TestRun>,
  say: (line: string) => void,
): Promise<TestRun[]> {
  const runs: TestRun[] = [];
  while (runs.length < times) {
    const run = await runOnce();
    runs.push(run);
    if (times > 1) say(`run ${runs.length} of ${times}: ${summaryLine(run.counts)}`);
  }
  return runs;
}

export function totalOf(runs: readonly TestRun[]): Counts {
  return runs.map(({ counts }) => counts).reduce(addCounts, NO_COUNTS);
}

/** One line for each test that failed in any of the runs, the most frequent first. */
export function failureLines(runs: readonly TestRun[]): string[] {
  const times = new Map<string, number>();
  for (const { failed } of runs) {
    for (const name of new Set(failed)) times.set(name, (times.get(name) ?? 0) + 1);
  }
  return [...times]
    .toSorted(([, one], [, other]) => other - one)
    .map(([name, count]) =>
      runs.length === 1 ? `failed: ${name}` : `failed in ${count} of ${runs.length} runs: ${name}`,
    );
}

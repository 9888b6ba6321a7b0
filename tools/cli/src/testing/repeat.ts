import { addCounts, type Counts, type FailedTest, NO_COUNTS, summaryLine } from './counts.ts';

/** What one run of the tests came to. */
export interface TestRun {
  readonly counts: Counts;
  readonly failed: readonly FailedTest[];
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

/** One line for each test that failed in any of the runs, with why it did so first, the most frequent first. */
export function failureLines(runs: readonly TestRun[]): string[] {
  const found = new Map<string, { times: number; why: string }>();
  for (const { failed } of runs) {
    for (const { name, why } of new Map(failed.map((test) => [test.name, test])).values()) {
      const before = found.get(name);
      found.set(name, { times: (before?.times ?? 0) + 1, why: before?.why ?? why });
    }
  }
  return [...found]
    .toSorted(([, one], [, other]) => other.times - one.times)
    .map(([name, { times, why }]) => {
      const failed = runs.length === 1 ? 'failed' : `failed in ${times} of ${runs.length} runs`;
      return `${failed}: ${name}${why === '' ? '' : ` (${why})`}`;
    });
}

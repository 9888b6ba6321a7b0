import { relative } from 'node:path';

/** Totals of a run; gates and tests count alike. */
export interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

export const NO_COUNTS: Counts = { passed: 0, failed: 0, skipped: 0 };

export function addCounts(a: Counts, b: Counts): Counts {
  return {
    passed: a.passed + b.passed,
    failed: a.failed + b.failed,
    skipped: a.skipped + b.skipped,
  };
}

/** The line that ends every run. */
export function summaryLine({ passed, failed, skipped }: Counts): string {
  return `${passed} passed, ${failed} failed, ${skipped} skipped`;
}

interface TestResult {
  readonly status?: unknown;
  readonly fullName?: unknown;
  readonly failureMessages?: unknown;
}

/** A test that failed, or a file that could not be loaded. */
export interface FailedTest {
  /** By file and name. */
  readonly name: string;
  /** Where in the file and with which words, in one line; empty where nobody said. */
  readonly why: string;
}

interface FileResult {
  readonly name?: unknown;
  readonly status?: unknown;
  readonly message?: unknown;
  readonly assertionResults?: unknown;
}

const WHY_CHARACTERS_MAX = 400;
const SKIPPED = new Set(['pending', 'skipped', 'todo', 'disabled']);

function testsOf(file: FileResult): TestResult[] {
  return Array.isArray(file.assertionResults) ? (file.assertionResults as TestResult[]) : [];
}

function hasFailed({ status }: TestResult): boolean {
  return status !== 'passed' && !SKIPPED.has(String(status));
}

function countFile(file: FileResult): Counts {
  let { passed, failed, skipped } = NO_COUNTS;
  for (const test of testsOf(file)) {
    if (hasFailed(test)) failed += 1;
    else if (test.status === 'passed') passed += 1;
    else skipped += 1;
  }
  // A file that could not be loaded, or whose hooks failed, has no failed test of its own.
  if (file.status === 'failed' && failed === 0) failed = 1;
  return { passed, failed, skipped };
}

function filesOf(text: string | undefined): FileResult[] {
  try {
    const report = JSON.parse(text ?? '') as { testResults?: unknown };
    return Array.isArray(report.testResults) ? (report.testResults as FileResult[]) : [];
  } catch {
    // No readable report: for the counts that is a failure.
    return [];
  }
}

/** The tests that failed; a file that failed without a test of its own by its path. */
export function failedTests(text: string | undefined, root: string): FailedTest[] {
  return filesOf(text).flatMap((file) => {
    const path = relative(root, String(file.name));
    const failed = testsOf(file).filter(hasFailed);
    if (failed.length === 0)
      return file.status === 'failed' ? [{ name: path, why: shortened(file.message) }] : [];
    return failed.map((test) => ({
      name: `${path} > ${String(test.fullName)}`,
      why: whyOf(test, String(file.name)),
    }));
  });
}

/** What is left of a failure where only single lines of a long log can be had. */
function whyOf({ failureMessages }: TestResult, file: string): string {
  const message = String(Array.isArray(failureMessages) ? (failureMessages[0] ?? '') : '');
  const [, place] = message.split(`${file}:`);
  const line = /^\d+/.exec(place ?? '')?.[0];
  return `${line === undefined ? '' : `line ${line}: `}${shortened(message)}`;
}

function shortened(message: unknown): string {
  const [first = ''] = String(message ?? '').split('\n');
  return first.length <= WHY_CHARACTERS_MAX ? first : `${first.slice(0, WHY_CHARACTERS_MAX)}...`;
}

/**
 * Counts the tests in the text of vitest's JSON report. `exitCode` is vitest's own: when it failed
 * though no test did (an unhandled error, an unreadable report), that counts as one failure. So
 * does a run in which no test was executed.
 */
export function countReport(text: string | undefined, exitCode: number): Counts {
  const counts = filesOf(text).map(countFile).reduce(addCounts, NO_COUNTS);
  const nothingRan = counts.passed + counts.failed === 0;
  if ((exitCode !== 0 && counts.failed === 0) || nothingRan) return { ...counts, failed: 1 };
  return counts;
}

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

interface FileResult {
  readonly status?: unknown;
  readonly assertionResults?: unknown;
}

const SKIPPED = new Set(['pending', 'skipped', 'todo', 'disabled']);

function countFile(file: FileResult): Counts {
  let { passed, failed, skipped } = NO_COUNTS;
  const tests = Array.isArray(file.assertionResults) ? file.assertionResults : [];
  for (const test of tests as { status?: unknown }[]) {
    if (test.status === 'passed') passed += 1;
    else if (SKIPPED.has(String(test.status))) skipped += 1;
    else failed += 1;
  }
  // A file that could not be loaded, or whose hooks failed, has no failed test of its own.
  if (file.status === 'failed' && failed === 0) failed = 1;
  return { passed, failed, skipped };
}

/**
 * Counts the tests in the text of vitest's JSON report. `exitCode` is vitest's own: when it failed
 * though no test did (an unhandled error, an unreadable report), that counts as one failure. So
 * does a run in which no test was executed.
 */
export function countReport(text: string | undefined, exitCode: number): Counts {
  let files: FileResult[] = [];
  try {
    const report = JSON.parse(text ?? '') as { testResults?: unknown };
    if (Array.isArray(report.testResults)) files = report.testResults as FileResult[];
  } catch {
    // No readable report: the checks below turn it into a failure.
  }
  const counts = files.map(countFile).reduce(addCounts, NO_COUNTS);
  const nothingRan = counts.passed + counts.failed === 0;
  if ((exitCode !== 0 && counts.failed === 0) || nothingRan) return { ...counts, failed: 1 };
  return counts;
}

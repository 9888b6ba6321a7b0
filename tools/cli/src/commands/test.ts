import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';

import { ensureStack, localFolder } from '@adtally/local-stack';

import { parseCommand, UsageError } from '../args.ts';
import { stackEnvironment } from '../stack.ts';
import { addCounts, type Counts, countReport, NO_COUNTS, summaryLine } from '../testing/counts.ts';
import { execute } from '../testing/execute.ts';
import { GATES } from '../testing/gates.ts';

function heading(title: string): void {
  process.stdout.write(`\n== ${title}\n`);
}

async function runGates(): Promise<Counts> {
  let counts = NO_COUNTS;
  for (const gate of GATES) {
    heading(gate.title);
    const passed = (await execute(gate.command, process.env)) === 0;
    process.stdout.write(`${gate.title}: ${passed ? 'ok' : 'FAILED'}\n`);
    counts = addCounts(counts, {
      passed: passed ? 1 : 0,
      failed: passed ? 0 : 1,
      skipped: 0,
    });
  }
  return counts;
}

function readOptional(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

/** The tests run against the stack's real servers, whose addresses they get in the environment. */
async function runTests(filters: readonly string[]): Promise<Counts> {
  const addresses = await ensureStack();
  heading('unit, property and integration tests');
  mkdirSync(localFolder, { recursive: true });
  const folder = mkdtempSync(join(localFolder, 'vitest-'));
  const report = join(folder, 'report.json');
  try {
    const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
    const env = { ...process.env, ...stackEnvironment(addresses) };
    const exitCode = await execute(['vitest', 'run', ...reporters, ...filters], env);
    return countReport(readOptional(report), exitCode);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * Runs every gate and every test, also after a failure. With filters (parts of test files' paths)
 * only those tests. Ends with one line of totals; exit code 0 only when nothing failed.
 */
export async function run(args: string[]): Promise<number> {
  const { values, positionals } = parseCommand(args, { only: { type: 'string' } }, true);
  const only = values.only ?? (positionals.length > 0 ? 'tests' : 'all');
  if (only !== 'all' && only !== 'gates' && only !== 'tests') {
    throw new UsageError(`--only takes gates or tests, not "${only}"`);
  }
  if (only === 'gates' && positionals.length > 0) {
    throw new UsageError('gates check the whole repository: they take no filters');
  }
  let counts = NO_COUNTS;
  if (only !== 'tests') counts = addCounts(counts, await runGates());
  if (only !== 'gates') counts = addCounts(counts, await runTests(positionals));
  process.stdout.write(`\n${summaryLine(counts)}\n`);
  return counts.failed === 0 ? 0 : 1;
}

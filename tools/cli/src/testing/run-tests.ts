import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { localFolder, repositoryRoot } from '@adtally/local-stack';
import { countReport, failedTests } from './counts.ts';
import { execute } from './execute.ts';
import type { TestRun } from './repeat.ts';

function readOptional(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

/**
 * Runs the tests whose files' paths hold one of these parts, all of them without any.
 *
 * @param env where the stack's servers are
 */
export async function runTests(parts: readonly string[], env: NodeJS.ProcessEnv): Promise<TestRun> {
  mkdirSync(localFolder, { recursive: true });
  const folder = mkdtempSync(join(localFolder, 'vitest-'));
  const report = join(folder, 'report.json');
  try {
    const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
    const exitCode = await execute(['vitest', 'run', ...reporters, ...parts], env);
    const text = readOptional(report);
    return { counts: countReport(text, exitCode), failed: failedTests(text, repositoryRoot) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

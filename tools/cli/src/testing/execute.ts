import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { join } from 'node:path';

import { repositoryRoot } from '@adtally/local-stack';

const SIGNAL_EXIT_BASE = 128;

/** Exit code of an ended child: its own, or 128 + the signal's number as shells give it. */
function exitCodeOf(code: number | null, signal: NodeJS.Signals | null): number {
  return code ?? SIGNAL_EXIT_BASE + (signal === null ? 0 : constants.signals[signal]);
}

/** Runs one of the workspace's programs in the root with the terminal's output. Gives its exit code. */
export async function execute(
  [program, ...args]: readonly [string, ...string[]],
  env: NodeJS.ProcessEnv,
): Promise<number> {
  const file =
    program === 'node' ? process.execPath : join(repositoryRoot, 'node_modules/.bin', program);
  return await new Promise((resolve, reject) => {
    const child = spawn(file, args, {
      cwd: repositoryRoot,
      stdio: ['ignore', 'inherit', 'inherit'],
      env: { ...env, TURBO_TELEMETRY_DISABLED: '1', DO_NOT_TRACK: '1' },
    });
    child.once('error', reject);
    child.once('exit', (code, signal) => resolve(exitCodeOf(code, signal)));
  });
}

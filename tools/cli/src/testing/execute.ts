import { spawn } from 'node:child_process';
import { join } from 'node:path';

import { repositoryRoot } from '@adtally/local-stack';

import { exitCodeOf } from '../exit-code.ts';

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

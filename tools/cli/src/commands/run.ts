import { spawn } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

import { repositoryRoot } from '@adtally/local-stack';

import { UsageError } from '../args.ts';
import { exitCodeOf } from '../exit-code.ts';
import { serviceEnvironment } from '../stack.ts';

const FORWARDED: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGUSR2'];

function entryOf(root: string, app: string): string {
  return join(root, 'apps', app, 'src/main.ts');
}

/** Names of the apps that can be run. */
export function knownApps(root: string): string[] {
  return readdirSync(join(root, 'apps'))
    .filter((name) => existsSync(entryOf(root, name)))
    .toSorted();
}

/** Runs one app from its sources; signals go on to it and its exit code comes back. */
export async function run(args: string[]): Promise<number> {
  const [app, ...rest] = args;
  const apps = knownApps(repositoryRoot);
  if (app === undefined || !apps.includes(app)) {
    const problem = app === undefined ? 'no app is named' : `there is no app "${app}"`;
    throw new UsageError(`${problem}. Known: ${apps.join(', ')}`);
  }
  const child = spawn(
    process.execPath,
    ['--conditions=@adtally/source', entryOf(repositoryRoot, app), ...rest],
    { stdio: 'inherit', env: serviceEnvironment() },
  );
  const forward = (signal: NodeJS.Signals): void => {
    child.kill(signal);
  };
  for (const signal of FORWARDED) process.on(signal, forward);
  return await new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) => resolve(exitCodeOf(code, signal)));
  });
}

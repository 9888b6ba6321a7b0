import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

import { repositoryRoot } from '@adtally/local-stack';

import { UsageError } from '../args.ts';
import { serviceEnvironment } from '../stack.ts';

function entryOf(app: string): string {
  return join(repositoryRoot, 'apps', app, 'src/main.ts');
}

/** Names of the apps that can be run. */
function knownApps(): string[] {
  return readdirSync(join(repositoryRoot, 'apps'))
    .filter((name) => existsSync(entryOf(name)))
    .toSorted();
}

/**
 * Runs one app from its sources. The app takes this process's place (execve), so signals, also
 * SIGKILL and Ctrl-C, reach it once and directly, and its exit code is the command's.
 */
export async function run(args: string[]): Promise<number> {
  const [app, ...rest] = args;
  const apps = knownApps();
  if (app === undefined || !apps.includes(app)) {
    const problem = app === undefined ? 'no app is named' : `there is no app "${app}"`;
    throw new UsageError(`${problem}. Known: ${apps.join(', ')}`);
  }
  const argv = [process.execPath, '--conditions=@adtally/source', entryOf(app), ...rest];
  if (process.execve === undefined) throw new Error('this Node has no process.execve');
  // Node warns that execve is experimental; ./dev brings the one version it is used with.
  process.removeAllListeners('warning');
  return process.execve(process.execPath, argv, serviceEnvironment());
}

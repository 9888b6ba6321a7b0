import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

import { choice, command, operand, operands, type Command } from '@adtally/command-line';
import { imageNodeOptions, repositoryRoot } from '@adtally/local-stack';

import { lastDemoDatabase } from '../demo/inspected-database.ts';
import { serviceEnvironment } from '../stack.ts';

export const run = command({
  operands: {
    app: operand(choice(knownApps()), `which app: ${knownApps().join(', ')}`),
    words: operands('words', 'what it is given, --help too'),
  },
  passesOn: 'after the first operand',
  run: async ({ operands: { app, words } }) => becomeApp(app, words),
});

/** The operator's command, which is an app of its own: the same in its image. */
export const ops = command({
  operands: { words: operands('words', 'what it is given, --help too') },
  passesOn: 'everything',
  run: async ({ operands: { words } }) => becomeApp('ops', words),
});

/** A command of the operator that only looks: on the last demo's database while the stack's own has no counts. */
export function inspecting(name: 'audit' | 'sources'): Command<void> {
  return command({
    operands: { words: operands('words', 'what it is given, --help too') },
    passesOn: 'everything',
    run: async ({ operands: { words } }) => {
      const asksForHelp = words.some((word) => word === '--help' || word === '-h');
      const url = asksForHelp ? undefined : await lastDemoDatabase();
      const env = url === undefined ? {} : { DATABASE_URL: url, DATABASE_URL_FILE: '' };
      return becomeApp('ops', [name, ...words], env);
    },
  });
}

/**
 * Runs one app from its sources. The app takes this process's place (execve), so signals, also
 * SIGKILL and Ctrl-C, reach it once and directly, and its exit code is the command's.
 *
 * @param overrides goes before the environment
 */
function becomeApp(
  app: string,
  argv: readonly string[],
  overrides: Readonly<Record<string, string>> = {},
): never {
  const node = [
    process.execPath,
    ...imageNodeOptions(repositoryRoot),
    '--conditions=@adtally/source',
  ];
  const words = [...node, entryOf(app), ...argv];
  if (process.execve === undefined) throw new Error('this Node has no process.execve');
  // Node warns that execve is experimental; ./dev brings the one version it is used with.
  process.removeAllListeners('warning');
  return process.execve(process.execPath, words, { ...serviceEnvironment(), ...overrides });
}

function entryOf(app: string): string {
  return join(repositoryRoot, 'apps', app, 'src/main.ts');
}

/** Names of the apps that can be run. */
function knownApps(): string[] {
  return readdirSync(join(repositoryRoot, 'apps'))
    .filter((name) => existsSync(entryOf(name)))
    .toSorted();
}

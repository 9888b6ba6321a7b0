import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { buildApps } from '@adtally/app-build';
import type { Build } from './build.ts';

const execute = promisify(execFile);
/** What a service ends with whose configuration is wrong: all is loaded by then. */
const CONFIGURATION_EXIT = 78;

/** What is started, and what it is started with beside its own variables. */
export interface AppProgram {
  readonly main: string;
  readonly env: Readonly<Record<string, string>>;
}

/** By workspace, and by app within it: a bench starts the same ones many times. */
const folders = new Map<string, Promise<string>>();
const programs = new Map<string, Promise<AppProgram>>();

/**
 * The program of an app, as its image starts it: in a few files, its types gone, with what V8 makes of it kept. Made of
 * the build's sources when it is first asked for, also where that revision's own image had no such steps: what is
 * compared is then the code alone.
 */
export function programOf(build: Build, app: string): Promise<AppProgram> {
  return once(programs, join(build.root, app), () => make(build, app));
}

async function make({ root, nodeOptions }: Build, app: string): Promise<AppProgram> {
  const folder = await once(folders, root, () => buildAll(root));
  const main = join(folder, `${app}.js`);
  const env = { NODE_COMPILE_CACHE: join(dirname(main), '.compile-cache') };
  const args = [...nodeOptions, main, '--check-config'];
  try {
    await execute(process.execPath, args, { env: { ...process.env, ...env } });
  } catch (error) {
    if ((error as { code?: unknown }).code !== CONFIGURATION_EXIT) throw error;
  }
  return { main, env };
}

/** For this process alone: another bench of the same workspace may run beside it. */
async function buildAll(root: string): Promise<string> {
  const local = join(root, '.local');
  mkdirSync(local, { recursive: true });
  const folder = mkdtempSync(join(local, 'bench-apps-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  await buildApps({ root, folder });
  return folder;
}

function once<T>(made: Map<string, Promise<T>>, key: string, begin: () => Promise<T>): Promise<T> {
  const found = made.get(key) ?? begin();
  made.set(key, found);
  return found;
}

import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { cacheFolder, repositoryRoot } from '@adtally/local-stack';
import { BenchError } from '../errors.ts';
import type { Build } from './build.ts';
import { otherBuild } from './other-build.ts';

const execute = promisify(execFile);
const SHORT = 12;
const OUTPUT_BYTES_MAX = 64 * 1024 * 1024;
/** Where the clone must not look: an own clone is meant, whatever repository the caller works in. */
const NO_GIT_PLACE = { GIT_DIR: undefined, GIT_WORK_TREE: undefined, GIT_INDEX_FILE: undefined };

/**
 * A build of any revision this repository knows, cloned and installed in the cache by its own `./dev`; the one
 * made before where there is one.
 *
 * @throws BenchError where there is no such revision, or it cannot be installed
 */
export async function cloneBuild(
  revision: string,
  onProgress: (text: string) => void,
): Promise<Build> {
  const commit = await resolve(revision);
  const short = commit.slice(0, SHORT);
  const folder = join(cacheFolder(), 'builds', short);
  if (!existsSync(folder)) await install(commit, folder, onProgress);
  return otherBuild(short, folder);
}

async function resolve(revision: string): Promise<string> {
  try {
    return await run('git', ['rev-parse', '--verify', '--end-of-options', `${revision}^{commit}`]);
  } catch {
    throw new BenchError(`this repository has no revision ${revision} (a shallow clone has few)`);
  }
}

async function install(
  commit: string,
  folder: string,
  onProgress: (text: string) => void,
): Promise<void> {
  const parent = join(cacheFolder(), 'builds');
  mkdirSync(parent, { recursive: true });
  const work = mkdtempSync(join(parent, '.making-'));
  const tree = join(work, 'tree');
  try {
    onProgress(`cloning ${commit.slice(0, SHORT)}`);
    await run('git', ['clone', '--quiet', '--no-checkout', repositoryRoot, tree]);
    await run('git', ['-C', tree, 'checkout', '--quiet', '--detach', commit]);
    onProgress(
      `installing ${commit.slice(0, SHORT)} (where the Kafka client must be built: 75-95 s)`,
    );
    await run(join(tree, 'dev'), ['--help']);
    // Another bench may have been faster: its folder is as good as this one.
    if (!existsSync(folder)) renameSync(tree, folder);
  } catch (error) {
    throw new BenchError(`${commit.slice(0, SHORT)} cannot be built:\n${(error as Error).message}`);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

async function run(file: string, args: readonly string[]): Promise<string> {
  const { stdout } = await execute(file, args, {
    cwd: repositoryRoot,
    env: { ...process.env, ...NO_GIT_PLACE },
    maxBuffer: OUTPUT_BYTES_MAX,
  });
  return stdout.trim();
}

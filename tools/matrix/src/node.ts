import { spawnSync, execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { cacheFolder, type Report, repositoryRoot } from '@adtally/local-stack';
import type { Subject, Variables } from './subject.ts';

/** The newest of each line with long-term support that the npm registry has. */
const VERSIONS = ['24.22.3', '26.12.1'] as const;

/**
 * A copy of this clone in which everything runs with another Node: installer, command line and services. The Kafka client
 * is compiled for one Node's ABI (NAN, not Node-API), so it is built anew there: a minute and a half, once.
 */
export const NODE: Subject = {
  title: 'Node',
  versions: VERSIONS,
  ways: ['plaintext'],
  start: async (version, _way, report) => {
    const home = nodeOf(version, report);
    const env = variablesOf(home);
    const copy = mkdtempSync(join(tmpdir(), 'adtally-node-'));
    const dev = [join(home, 'bin/node'), '--conditions=@adtally/source', join(copy, CLI)];
    // The demo starts what servers it is not given, as the copy's own.
    const close = async (): Promise<void> => {
      const [program = '', ...first] = dev;
      const options = { env: { ...process.env, ...env }, stdio: 'ignore' } as const;
      spawnSync(program, [...first, 'down'], options);
      rmSync(copy, { recursive: true });
    };
    try {
      report(`installing a copy of this clone by Node ${version}`);
      copyClone(copy);
      install(copy, env);
    } catch (error) {
      await close();
      throw error;
    }
    return { env, dev, close };
  },
};

const CLI = 'tools/cli/src/main.ts';

/** Its folder, from the cache or fetched into it, whole or not at all. */
function nodeOf(version: string, report: Report): string {
  const folder = join(cacheFolder(), `node-${version}`);
  if (existsSync(folder)) return folder;
  const name = `node-linux-${process.arch}`;
  report(`fetching ${name} ${version} into ${folder}`);
  mkdirSync(dirname(folder), { recursive: true });
  const making = mkdtempSync(join(dirname(folder), '.fetch-'));
  try {
    const args = ['install', '--no-audit', '--no-fund', '--prefix', making, `${name}@${version}`];
    execFileSync('npm', args, { stdio: ['ignore', 'ignore', 'inherit'] });
    renameSync(join(making, 'node_modules', name), folder);
    return folder;
  } finally {
    rmSync(making, { recursive: true, force: true });
  }
}

/** As `./dev` sets them for its own Node. */
function variablesOf(home: string): Variables {
  return {
    PATH: `${join(home, 'bin')}:${process.env['PATH'] ?? ''}`,
    npm_config_nodedir: home,
    CKJS_LINKING: 'dynamic',
    JOBS: '1',
  };
}

/** All files that git has or would take. */
function copyClone(copy: string): void {
  const args = ['ls-files', '-z', '--cached', '--others', '--exclude-standard'];
  const listed = execFileSync('git', args, { cwd: repositoryRoot, encoding: 'utf8' });
  for (const name of listed.split('\0')) {
    const from = join(repositoryRoot, name);
    if (name !== '' && existsSync(from)) cpSync(from, join(copy, name), { verbatimSymlinks: true });
  }
}

/** Packages refuse no Node here: whether it runs is what is asked. */
function install(copy: string, env: Variables): void {
  const args = ['install', '--frozen-lockfile', '--prefer-offline', '--config.engine-strict=false'];
  execFileSync('pnpm', args, {
    cwd: copy,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}

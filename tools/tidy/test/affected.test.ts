import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  cpSync,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const ROOT = resolve(import.meta.dirname, '../../..');
const TURBO = join(ROOT, 'node_modules/.bin/turbo');

interface Manifest {
  readonly name: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}

let clone: string;

/** A repository of its own with this workspace's shape, so that no history or network is needed. */
beforeAll(() => {
  clone = mkdtempSync(join(tmpdir(), 'adtally-affected-'));
  const files = [
    'package.json',
    'pnpm-lock.yaml',
    'pnpm-workspace.yaml',
    'turbo.json',
    'tsconfig.base.json',
    ...globSync('{apps,packages,tools}/*/{package,turbo,tsconfig}.json', { cwd: ROOT }),
  ];
  for (const file of files.filter((path) => existsSync(join(ROOT, path)))) {
    mkdirSync(dirname(join(clone, file)), { recursive: true });
    cpSync(join(ROOT, file), join(clone, file));
  }
  for (const path of manifests().keys()) {
    mkdirSync(join(clone, path, 'src'));
    writeFileSync(join(clone, path, 'src/index.ts'), 'export {};\n');
  }
  git('init', '--quiet', '--initial-branch=main');
  writeFileSync(join(clone, 'notes.txt'), 'base\n');
  git('add', '.');
  commit('base');
});

afterAll(() => rmSync(clone, { recursive: true }));

function git(...args: string[]): void {
  execFileSync('git', args, {
    cwd: clone,
    env: { ...process.env, GIT_CONFIG_GLOBAL: '/dev/null' },
  });
}

function commit(message: string): void {
  const who = ['-c', 'user.name=test', '-c', 'user.email=test@example.org'];
  git(...who, '-c', 'commit.gpgsign=false', 'commit', '--quiet', '--all', '--message', message);
}

/** The workspace's manifests by folder. */
function manifests(): Map<string, Manifest> {
  const paths = globSync('{apps,packages,tools}/*/package.json', { cwd: clone });
  return new Map(
    paths.map((path) => [
      dirname(path),
      JSON.parse(readFileSync(join(clone, path), 'utf8')) as Manifest,
    ]),
  );
}

/** Commits a change of one source file in each folder on top of the base. */
function change(...folders: string[]): void {
  git('checkout', '--quiet', '-B', 'change', 'main');
  writeFileSync(join(clone, 'notes.txt'), `change of ${folders.length}\n`);
  for (const folder of folders)
    appendFileSync(join(clone, folder, 'src/index.ts'), 'export const changed = true;\n');
  commit('change');
}

/** The packages turbo would work on for what changed since the base. */
function affected(): string[] {
  const output = execFileSync(TURBO, ['run', 'typecheck', '--affected', '--dry=json'], {
    cwd: clone,
    env: {
      ...process.env,
      TURBO_SCM_BASE: 'main',
      TURBO_SCM_HEAD: 'change',
      TURBO_TELEMETRY_DISABLED: '1',
    },
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const { packages } = JSON.parse(output) as { packages: string[] };
  return packages.filter((name) => name !== '//').toSorted();
}

/** A package and all that depend on it, directly or not, by the manifests alone. */
function withDependants(name: string): string[] {
  const found = new Set([name]);
  const all = [...manifests().values()];
  for (let before = 0; before < found.size;) {
    before = found.size;
    for (const { name: dependant, dependencies, devDependencies } of all)
      if (Object.keys({ ...dependencies, ...devDependencies }).some((needed) => found.has(needed)))
        found.add(dependant);
  }
  return [...found].toSorted();
}

describe('affected-only selection', () => {
  it('picks an app, and nothing else, for a change in that app', () => {
    change('apps/ingest-consumer');
    expect(affected()).toEqual(['@adtally/ingest-consumer']);
  });

  it('picks all dependants, and nothing else, for a change in key-derivation', () => {
    change('packages/key-derivation');
    const picked = affected();
    expect(picked).toEqual(withDependants('@adtally/key-derivation'));
    expect(picked).toEqual(
      expect.arrayContaining(['@adtally/ingest-consumer', '@adtally/pipeline']),
    );
    expect(picked).not.toContain('@adtally/db');
  });

  it('picks no package where only a file outside of them changed', () => {
    change();
    expect(affected()).toEqual([]);
  });
});

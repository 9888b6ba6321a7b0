import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  cpSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { repositoryRoot } from '@adtally/local-stack';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { UsageError } from '@adtally/command-line';
import { affectedPackages, findBase } from '../src/testing/affected.ts';

/** Its tests look at the whole repository, so they run after any change. */
const ALWAYS = 'tools/tidy';
/** Tools that start every service. */
const SERVICES = ['breaking-run', 'chaos', 'cli', 'how-to', 'long-life', 'monitoring'];

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
    'vitest.config.ts',
    'dev',
    '.ci/run',
    'docs/architecture.md',
    ...globSync('{apps,packages,tools}/*/{package,turbo,tsconfig}.json', { cwd: repositoryRoot }),
  ];
  for (const file of files) {
    mkdirSync(dirname(join(clone, file)), { recursive: true });
    cpSync(join(repositoryRoot, file), join(clone, file));
  }
  for (const folder of manifests().keys()) {
    mkdirSync(join(clone, folder, 'src'));
    writeFileSync(join(clone, folder, 'src/index.ts'), 'export {};\n');
    writeFileSync(join(clone, folder, 'src/other.ts'), 'export {};\n');
  }
  git('init', '--quiet', '--initial-branch=main');
  commit('base');
});

afterAll(() => rmSync(clone, { recursive: true }));

beforeEach(() => {
  git('reset', '--quiet', '--hard');
  git('clean', '--quiet', '--force', '-d');
  git('checkout', '--quiet', '-B', 'change', 'main');
});

function git(...args: string[]): void {
  const who = ['-c', 'user.name=test', '-c', 'user.email=test@example.org'];
  execFileSync('git', [...who, '-c', 'commit.gpgsign=false', ...args], {
    cwd: clone,
    env: { ...process.env, GIT_CONFIG_GLOBAL: '/dev/null' },
  });
}

function commit(message: string): void {
  git('add', '--all');
  git('commit', '--quiet', '--message', message);
}

/** Adds a line to a file, which may be a new one. */
function edit(path: string): void {
  mkdirSync(dirname(join(clone, path)), { recursive: true });
  appendFileSync(join(clone, path), '\n');
}

/** What turbo picks for a commit that edits these files, by folder. */
async function pickedFor(...paths: string[]): Promise<string[]> {
  for (const path of paths) edit(path);
  commit('change');
  return await picked();
}

async function picked(ref?: string): Promise<string[]> {
  const { commit: base } = await findBase(clone, ref);
  return (await affectedPackages(clone, base)).map(({ path }) => path);
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

function everything(): string[] {
  return [...manifests().keys()].toSorted();
}

/** A package and all that depend on it, directly or not, by the manifests alone. */
function withDependants(folder: string): Set<string> {
  const all = [...manifests()];
  const folders = new Set([folder]);
  for (let before = 0; before < folders.size;) {
    before = folders.size;
    const names = all.filter(([path]) => folders.has(path)).map(([, { name }]) => name);
    for (const [path, { dependencies, devDependencies }] of all) {
      const needed = { ...dependencies, ...devDependencies };
      if (names.some((name) => Object.hasOwn(needed, name))) folders.add(path);
    }
  }
  return folders;
}

/** The apps, and what else has tests for a change in a package. */
function split(folders: readonly string[]): { apps: string[]; others: string[] } {
  const isApp = (folder: string): boolean => folder.startsWith('apps/');
  return { apps: folders.filter(isApp), others: folders.filter((folder) => !isApp(folder)) };
}

test.each([
  [
    'ingest-consumer',
    [
      'bench',
      'breaking-run',
      'chaos',
      'cli',
      'crash-series',
      'how-to',
      'long-life',
      'monitoring',
      'recount',
    ],
  ],
  ['dlq-reprocessor', ['bench', 'crash-series', ...SERVICES], ['apps/ops']],
  ['dead-queue-alerter', ['crash-series', ...SERVICES]],
  ['backfill-runner', ['bench', 'crash-series', ...SERVICES]],
  ['ops', [...SERVICES, 'producer-matrix', 'recount']],
])(
  'a change in %s: its tests, and those that start it',
  async (app, tools, apps: string[] = []) => {
    const found = await pickedFor(`apps/${app}/src/index.ts`);
    const starters = [...apps, ...tools.map((tool) => `tools/${tool}`)];
    expect(found).toEqual([`apps/${app}`, ...starters, ALWAYS].toSorted());
  },
);

test('a metric of one app, with docs/metrics.md made anew: as any change in that app', async () => {
  // Made from the declarations, and looked at by what always runs.
  const found = await pickedFor('apps/dead-queue-alerter/src/metrics.ts', 'docs/metrics.md');
  expect(split(found)).toEqual({
    apps: ['apps/dead-queue-alerter'],
    others: [
      'tools/breaking-run',
      'tools/chaos',
      'tools/cli',
      'tools/crash-series',
      'tools/how-to',
      'tools/long-life',
      'tools/monitoring',
      ALWAYS,
    ].toSorted(),
  });
  const { apps } = split(await pickedFor('packages/system-metrics/src/metrics.ts'));
  expect(apps).toEqual(
    expect.arrayContaining([
      'apps/backfill-runner',
      'apps/dlq-reprocessor',
      'apps/ingest-consumer',
    ]),
  );
});

test.each([
  ['letters', ['apps/dlq-reprocessor', 'apps/ops']],
  ['alerting', ['apps/dead-queue-alerter', 'apps/ops']],
])('a change in %s: of the apps the two that use it', async (name, apps) => {
  const { apps: found, others } = split(await pickedFor(`packages/${name}/src/index.ts`));
  expect(found).toEqual(apps);
  expect(others.filter((folder) => folder.startsWith('packages/'))).toEqual([`packages/${name}`]);
});

test('a change in key-derivation: all that depend on it, and what starts those', async () => {
  const found = await pickedFor('packages/key-derivation/src/index.ts');
  const dependants = withDependants('packages/key-derivation');
  expect([...dependants]).toEqual(
    expect.arrayContaining(['apps/ingest-consumer', 'packages/pipeline']),
  );
  expect(found).toEqual(expect.arrayContaining([...dependants]));
  const started = ['bench', 'breaking-run', 'chaos', 'cli', 'how-to', 'producer-matrix'].map(
    (tool) => `tools/${tool}`,
  );
  started.push(ALWAYS);
  expect(found.filter((folder) => !dependants.has(folder) && !started.includes(folder))).toEqual(
    [],
  );
  expect(found).not.toContain('packages/db');
});

test('a file that is deleted or moved counts for the package it leaves', async () => {
  git('rm', '--quiet', 'apps/backfill-runner/src/other.ts');
  git('mv', 'apps/dead-queue-alerter/src/other.ts', 'apps/ingest-consumer/src/moved.ts');
  commit('change');
  expect(split(await picked()).apps).toEqual([
    'apps/backfill-runner',
    'apps/dead-queue-alerter',
    'apps/ingest-consumer',
  ]);
});

test.each([
  'pnpm-lock.yaml',
  'package.json',
  'turbo.json',
  'tsconfig.base.json',
  'vitest.config.ts',
  'dev',
  '.ci/run',
  'docs/architecture.md',
  '.new',
  'a-new-folder/a-file',
  'packages/a-file-of-no-package',
])('a change of %s at the root: everything', async (path) => {
  expect(await pickedFor(path)).toEqual(everything());
});

test('what is not committed counts, new files too', async () => {
  edit('apps/dead-queue-alerter/src/index.ts');
  edit('apps/backfill-runner/src/new.ts');
  expect(split(await picked()).apps).toEqual(['apps/backfill-runner', 'apps/dead-queue-alerter']);
});

test('where nothing differs nothing is picked', async () => {
  expect(await picked()).toEqual([]);
});

test('changes count from where the branch left the base; what came to the base since is not its own', async () => {
  edit('apps/backfill-runner/src/index.ts');
  commit('change');
  git('checkout', '--quiet', '-B', 'trunk', 'main');
  edit('packages/db/src/index.ts');
  commit('somebody else');
  git('checkout', '--quiet', 'change');
  expect(split(await picked('trunk')).apps).toEqual(['apps/backfill-runner']);
  edit('apps/dead-queue-alerter/src/index.ts');
  commit('another');
  expect(split(await picked('HEAD~1')).apps).toEqual(['apps/dead-queue-alerter']);
});

test("without a base it is the others' main, where there is one, else the own", async () => {
  expect((await findBase(clone)).ref).toBe('main');
  git('update-ref', 'refs/remotes/origin/main', 'main');
  expect((await findBase(clone)).ref).toBe('origin/main');
  git('update-ref', '-d', 'refs/remotes/origin/main');
});

test.each(['no-such-branch', '--all'])('base %s is refused by its name', async (ref) => {
  await expect(findBase(clone, ref)).rejects.toThrow(UsageError);
  await expect(findBase(clone, ref)).rejects.toThrow(ref);
});

test('a base without a common commit is refused', async () => {
  git('checkout', '--quiet', '--orphan', 'alone');
  commit('another beginning');
  await expect(findBase(clone, 'main')).rejects.toThrow('no commit in common');
});

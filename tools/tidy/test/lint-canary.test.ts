import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';

// The linter runs with this repository's configuration on files that break it, in a folder of
// their own: a gate that lets its canary pass checks nothing.
const ROOT = resolve(import.meta.dirname, '../../..');
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'adtally-lint-'));
  copyFileSync(join(ROOT, '.oxlintrc.json'), join(folder, '.oxlintrc.json'));
  // Where the linter looks for its type-aware half.
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
});

afterAll(() => {
  rmSync(folder, { recursive: true });
});

/** Rules that oxlint finds broken in one file of that path and text. */
function brokenRules(path: string, text: string): string[] {
  const file = join(folder, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
  const oxlint = join(ROOT, 'node_modules/.bin/oxlint');
  const { stdout } = spawnSync(oxlint, ['--format=json', path], { cwd: folder, encoding: 'utf8' });
  const report = JSON.parse(stdout) as { diagnostics: { code: string }[] };
  return report.diagnostics.map((diagnostic) => diagnostic.code);
}

const PG = "import pg from 'pg';\nexport const client = pg;\n";
const REDIS = "import { Redis } from 'ioredis';\nexport const client = Redis;\n";
const KAFKA = "import k from '@confluentinc/kafka-javascript';\nexport const client = k;\n";
const RESTRICTED = ['eslint(no-restricted-imports)'];

test.each([
  ['apps/a/src/pg.ts', PG],
  ['packages/dedup/src/pg.ts', PG],
  ['packages/db/src/redis.ts', REDIS],
  ['packages/pipeline/src/redis.ts', REDIS],
  ['packages/db/src/kafka.ts', KAFKA],
  ['tools/bench/src/kafka.ts', KAFKA],
])('a driver outside of its adapter is found: %s', (path, text) => {
  expect(brokenRules(path, text)).toEqual(RESTRICTED);
});

test.each([
  ['packages/db/src/ok.ts', PG],
  ['packages/dedup/src/ok.ts', REDIS],
  ['packages/kafka/src/ok.ts', KAFKA],
  ['packages/testkit/src/ok.ts', `${PG}${KAFKA.replaceAll('client', 'other')}`],
])('a driver in its adapter and in the test kit passes: %s', (path, text) => {
  expect(brokenRules(path, text)).toEqual([]);
});

test('a mocked module is found', () => {
  const text =
    "import { expect, test, vi } from 'vitest';\nvi.mock('./a.ts');\ntest('a', () => expect(1).toBe(1));\n";
  expect(brokenRules('packages/a/src/a.test.ts', text)).toEqual([
    'vitest(no-restricted-vi-methods)',
  ]);
});

test('a test without an assertion is found', () => {
  const text = "import { test } from 'vitest';\ntest('nothing is checked', () => undefined);\n";
  expect(brokenRules('packages/a/src/b.test.ts', text)).toEqual(['vitest(expect-expect)']);
});

test('the environment is read in env.ts only', () => {
  const text = "export const home = process.env['HOME'];\n";
  expect(brokenRules('packages/a/src/a.ts', text)).toEqual(['node(no-process-env)']);
  expect(brokenRules('packages/a/src/env.ts', text)).toEqual([]);
});

test('process.exit outside of the tools is found', () => {
  const text = 'export function stop(): never {\n  process.exit(1);\n}\n';
  expect(brokenRules('packages/a/src/exit.ts', text)).toEqual(['unicorn(no-process-exit)']);
});

const SWITCH = (cases: string): string => `export type Kind = 'fenced' | 'data' | 'bug';
export function what(kind: Kind): number {
  switch (kind) {
    case 'fenced':
      return 1;
    ${cases}
    default:
      return 0;
  }
}
`;

test('a switch that leaves a case of a union to its default is found', () => {
  const all = "case 'data':\n      return 2;\n    case 'bug':\n      return 3;";
  expect(brokenRules('packages/a/src/all.ts', SWITCH(all))).toEqual([]);
  const some = all.slice(0, all.indexOf("    case 'bug'"));
  expect(brokenRules('packages/a/src/some.ts', SWITCH(some))).toEqual([
    'typescript(switch-exhaustiveness-check)',
  ]);
});

test('a promise that nobody waits for is found', () => {
  const text = 'export function start(work: () => Promise<void>): void {\n  work();\n}\n';
  expect(brokenRules('packages/a/src/floating.ts', text)).toEqual([
    'typescript(no-floating-promises)',
  ]);
});

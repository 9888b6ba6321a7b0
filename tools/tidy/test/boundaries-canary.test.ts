import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { ROOT, turbo } from './turbo.ts';

// A workspace that holds every dependency between two kinds of packages once, under this
// repository's turbo.json: the gate must name exactly the forbidden ones.
const FORBIDDEN: Readonly<Record<string, readonly string[]>> = {
  domain: ['base', 'adapter', 'pipeline', 'app', 'tool'],
  base: ['adapter', 'pipeline', 'app', 'tool'],
  adapter: ['adapter', 'pipeline', 'app', 'tool'],
  pipeline: ['pipeline', 'app', 'tool'],
  app: ['app', 'tool'],
  test: ['domain', 'base', 'adapter', 'pipeline', 'app', 'tool'],
  tool: ['app'],
};
const TAGS = Object.keys(FORBIDDEN);
let folder: string;

function writePackage(name: string, tag: string, dependency?: string): void {
  const home = join(folder, 'packages', name);
  mkdirSync(join(home, 'src'), { recursive: true });
  const dependencies = dependency === undefined ? {} : { [`@canary/${dependency}`]: 'workspace:*' };
  const manifest = { name: `@canary/${name}`, version: '1.0.0', dependencies };
  writeFileSync(join(home, 'package.json'), JSON.stringify(manifest));
  writeFileSync(join(home, 'turbo.json'), JSON.stringify({ extends: ['//'], tags: [tag] }));
  writeFileSync(join(home, 'src/index.ts'), 'export const nothing = undefined;\n');
}

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'adtally-boundaries-'));
  copyFileSync(join(ROOT, 'turbo.json'), join(folder, 'turbo.json'));
  const root = { name: 'canary', private: true, packageManager: 'pnpm@10.34.9' };
  writeFileSync(join(folder, 'package.json'), JSON.stringify(root));
  writeFileSync(join(folder, 'pnpm-workspace.yaml'), 'packages:\n  - packages/*\n');
  for (const to of TAGS) {
    writePackage(`of-${to}`, to);
    for (const from of TAGS) writePackage(`${from}-on-${to}`, from, `of-${to}`);
  }
});

afterAll(() => {
  rmSync(folder, { recursive: true });
});

test('turbo boundaries finds exactly the forbidden dependencies', () => {
  const { code, stdout, stderr } = turbo(folder, ['boundaries']);
  const complaint =
    /Package `[^`]+` found without any tag listed in allowlist for `@canary\/([^`]+)`/g;
  // turbo wraps long lines and begins the rest with a bar.
  const output = `${stdout}${stderr}`.replaceAll(/\n +\| /g, ' ');
  const found = [...output.matchAll(complaint)].map((match) => match[1]);
  const forbidden = TAGS.flatMap((from) => (FORBIDDEN[from] ?? []).map((to) => `${from}-on-${to}`));
  expect(found.toSorted()).toEqual(forbidden.toSorted());
  expect(code).toBe(1);
});

import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { repositoryRoot } from './env.ts';
import { imageNodeOptions } from './node-options.ts';

test.each([
  ['ENV A=b\nCMD ["node"]', []],
  ['ENV NODE_OPTIONS=--a=1', ['--a=1']],
  ['ENV A=b NODE_OPTIONS="--a=1 --b" C=d', ['--a=1', '--b']],
])('an image of %j', (image, options) => {
  const root = mkdtempSync(join(tmpdir(), 'adtally-image-'));
  onTestFinished(() => rmSync(root, { recursive: true }));
  mkdirSync(join(root, 'infra/docker'), { recursive: true });
  writeFileSync(join(root, 'infra/docker/Dockerfile'), image);
  expect(imageNodeOptions(root)).toEqual(options);
});

test('Node takes what our image gives it, from the environment too', () => {
  const options = imageNodeOptions(repositoryRoot);
  expect(options.length).toBeGreaterThan(0);
  const env = { ...process.env, NODE_OPTIONS: options.join(' ') };
  expect(execFileSync(process.execPath, ['-p', '1 + 1'], { env, encoding: 'utf8' })).toBe('2\n');
});

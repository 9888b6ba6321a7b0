import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { buildPrograms } from '@adtally/app-build';
import { expect, onTestFinished, test } from 'vitest';

const ROOT = resolve(import.meta.dirname, '../../..');
const APPS = ['ingest-consumer', 'backfill-runner'];
const mainOf = (app: string): string => join(ROOT, 'apps', app, 'src/main.ts');
const run = promisify(execFile);

async function answer(args: readonly string[]): Promise<string> {
  const env = {
    PATH: process.env['PATH'],
    DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none',
    KAFKA_BROKERS: '127.0.0.1:1',
  };
  const { stdout } = await run(process.execPath, [...args], { env });
  return stdout;
}

test('a build answers as its sources do, native code and files beside the sources included', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'adtally-programs-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  await buildPrograms({
    programs: Object.fromEntries(APPS.map((app) => [app, mainOf(app)])),
    folder,
    conditions: ['@adtally/source'],
  });
  for (const app of APPS) {
    const options = ['--check-config'];
    expect(await answer([join(folder, `${app}.js`), ...options])).toBe(
      await answer(['--conditions=@adtally/source', mainOf(app), ...options]),
    );
  }
});

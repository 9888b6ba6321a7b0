import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { buildPrograms } from '@adtally/app-build';
import { expect, onTestFinished, test } from 'vitest';

const ROOT = resolve(import.meta.dirname, '../../..');
const APPS = ['ingest-consumer', 'backfill-runner'];
const mainOf = (app: string): string => join(ROOT, 'apps', app, 'src/main.ts');
const run = promisify(execFile);

async function answer(args: readonly string[], more: NodeJS.ProcessEnv = {}): Promise<string> {
  const env = {
    ...more,
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

test('a start reads neither what comes later, nor what nobody uses', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'adtally-programs-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const [app = ''] = APPS;
  await buildPrograms({
    programs: { main: mainOf(app) },
    folder,
    conditions: ['@adtally/source'],
  });
  const first = readAtStart(folder, 'main.js');
  const all = readAtStart(folder, 'main.js', true);
  const mentions = (files: ReadonlyMap<string, string>, word: string): boolean =>
    [...files.values()].some((text) => text.includes(word));
  // A code of Fastify's errors, and an option of the Avro library that the Kafka protocol's package brings.
  expect(mentions(first, 'FST_ERR_HOOK_INVALID_TYPE')).toBe(false);
  expect(mentions(all, 'FST_ERR_HOOK_INVALID_TYPE')).toBe(true);
  expect(mentions(all, 'wrapUnions')).toBe(false);
  // What checks options of its clients, and what writes the published schema.
  expect(mentions(first, 'Ajv2020')).toBe(false);
  expect(mentions(first, 'IsUnevaluatedProperties')).toBe(false);
  // Of the client one of its two APIs is loaded, by the module that holds it.
  expect(mentions(first, 'kafka-javascript/lib/rdkafka.js')).toBe(true);
  expect(mentions(all, 'kafka-javascript/lib/index.js')).toBe(false);
  for (const [file, text] of first) expect([file, /[^\0-\x7f]/.test(text)]).toEqual([file, false]);

  const told = join(folder, 'loaded.json');
  const tell = join(folder, 'tell.cjs');
  writeFileSync(tell, TELLS_WHAT_IS_LOADED);
  await answer(['--require', tell, join(folder, 'main.js'), '--check-config'], { TOLD: told });
  const loaded = JSON.parse(readFileSync(told, 'utf8')) as string[];
  expect(loaded).toContain('NativeModule net');
  for (const later of ['tls', 'https', 'zlib', 'child_process', 'internal/deps/undici/undici']) {
    expect(loaded).not.toContain(`NativeModule ${later}`);
  }
});

const TELLS_WHAT_IS_LOADED = `process.on('exit', () =>
  require('fs').writeFileSync(process.env.TOLD, JSON.stringify(process.moduleLoadList)));`;

const STATIC_IMPORT = /^(?:import|export)\b[^;\n]*["']\.\/([^"']+\.js)["'];$/gm;
const DYNAMIC_IMPORT = /\bimport\(["']\.\/([^"']+\.js)["']\)/g;

/** The files of a build that are read before its first line runs, or all that may ever be. */
function readAtStart(folder: string, main: string, withLater = false): Map<string, string> {
  const read = new Map<string, string>();
  const follow = (file: string): void => {
    // Texts of others have examples in them.
    if (read.has(file) || !existsSync(join(folder, file))) return;
    const text = readFileSync(join(folder, file), 'utf8');
    read.set(file, text);
    const kinds = withLater ? [STATIC_IMPORT, DYNAMIC_IMPORT] : [STATIC_IMPORT];
    for (const kind of kinds) {
      for (const [, name = ''] of text.matchAll(kind)) follow(name);
    }
  };
  follow(main);
  return read;
}

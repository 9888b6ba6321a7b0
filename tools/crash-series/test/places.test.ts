import { globSync, readFileSync } from 'node:fs';
import { join, matchesGlob } from 'node:path';
import { expect, test } from 'vitest';
import { REPOSITORY } from '../src/crash-build.ts';
import { GATE_ENV } from '../src/gate-env.ts';
import { OUTSIDE } from '../src/outside.ts';
import { placesOf, withGates } from '../src/places.ts';
import { filesThatAwait, isProtocolFile, PROTOCOL_FILES, protocolPlaces } from '../src/protocol.ts';
import { UNREACHED } from '../src/unreached.ts';

/** Some of these read and parse every source. */
const LIMIT_MS = 300_000;

const SOURCE = `
class Writer {
  async #write(row: Row): Promise<void> {
    await this.#session.query<Row>('BEGIN');
    for await (const line of this.#lines) await keep(await parse(line));
    await db.insertInto('events').values(row).execute();
    const undo = async () => await db.insertInto('events').execute();
  }
}`;

test('a place is named by its file, its function and what it waits for', () => {
  expect(placesOf('packages/db/src/writer.ts', SOURCE).map(({ name }) => name)).toEqual([
    "db/writer Writer.write > session.query('BEGIN')",
    'db/writer Writer.write > lines',
    'db/writer Writer.write > keep',
    'db/writer Writer.write > parse',
    "db/writer Writer.write > db.insertInto('events')",
    "db/writer Writer.write.undo > db.insertInto('events')",
  ]);
});

test('gates stand before and behind what is awaited, and change nothing of it', () => {
  const gated = withGates('a.ts', 'async () => {\n  await f(await g());\n}', '/gate-env.ts');
  expect(gated.split('\n').slice(1)).toEqual([
    'async () => {',
    '  __after("a > f", await (__before("a > f"), f(__after("a > g", await (__before("a > g"), g())))));',
    '}',
  ]);
});

test(
  'every await of the protocols is a place with a name of its own',
  { timeout: LIMIT_MS },
  () => {
    for (const protocol of Object.keys(PROTOCOL_FILES) as (keyof typeof PROTOCOL_FILES)[]) {
      const names = protocolPlaces(REPOSITORY, protocol).map(({ name }) => name);
      expect(names.length).toBeGreaterThan(0);
      expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
    }
  },
);

test(
  'every file that awaits is part of a protocol, or outside for a reason',
  { timeout: LIMIT_MS },
  () => {
    const outside = OUTSIDE.flatMap(({ files }) => files);
    const isOutside = (path: string) => outside.some((pattern) => matchesGlob(path, pattern));
    const files = filesThatAwait(REPOSITORY);
    expect(files.length).toBeGreaterThan(100);
    expect(files.filter((path) => isProtocolFile(path) === isOutside(path))).toEqual([]);
  },
);

test('every excuse names a place that is there, once', { timeout: LIMIT_MS }, () => {
  const places = new Set(
    (Object.keys(PROTOCOL_FILES) as (keyof typeof PROTOCOL_FILES)[])
      .flatMap((protocol) => protocolPlaces(REPOSITORY, protocol))
      .map(({ name }) => name),
  );
  const excused = UNREACHED.flatMap((group) => group.places);
  expect(excused.filter((name) => !places.has(name))).toEqual([]);
  expect(excused.filter((name, index) => excused.indexOf(name) !== index)).toEqual([]);
});

test('nothing of it is in a production source', () => {
  const files = globSync('{apps,packages}/*/{src/**/*.ts,package.json}', { cwd: REPOSITORY });
  expect(files.length).toBeGreaterThan(300);
  const words = ['crash-series', ...Object.values(GATE_ENV)];
  const carrying = files.filter((path) => {
    const text = readFileSync(join(REPOSITORY, path), 'utf8');
    return words.some((word) => text.includes(word));
  });
  expect(carrying).toEqual([]);
});

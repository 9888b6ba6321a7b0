import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { buildPrograms } from './build-programs.ts';

const ESM = `
import https, { Agent, request as ask } from 'node:https';
import * as zlib from 'zlib';
import fs, { readFileSync } from 'fs';
import * as url from 'node:url';
import { sleep } from './again.mjs';
import asRequired from './required.cjs';

const node = (name) => process.getBuiltinModule(name);
const same = {
  once: fs === node('fs') && readFileSync === node('fs').readFileSync && url.URL === node('url').URL,
  again: sleep === node('timers/promises').setTimeout,
  used: Agent === node('https').Agent && ask === node('https').request && https.get === node('https').get,
  old: asRequired.old() === node('zlib').Z_SYNC_FLUSH && asRequired.old() > 0,
  space: zlib.gunzipSync === node('zlib').gunzipSync && zlib.constants === node('zlib').constants,
  required: asRequired.connect() === node('tls').connect && asRequired.events === node('events'),
  derived: new (class extends https.Agent {})() instanceof node('https').Agent,
};
console.log(JSON.stringify({ before: globalThis.before, same }));
`;
const BEFORE = `globalThis.before = process.moduleLoadList.filter((name) => /^NativeModule (?:tls|https|zlib)$/.test(name));`;
const CJS = `const tls = require('tls'); exports.connect = () => tls.connect; exports.events = require('events'); const zlib = require('zlib'); exports.old = () => zlib.Z_SYNC_FLUSH;`;

test('a build takes from modules of Node what they have, and loads some only when they are used', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'adtally-builtins-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const program = join(folder, 'program.mjs');
  writeFileSync(program, `${ESM.replace('const node', `${BEFORE}\nconst node`)}`);
  writeFileSync(
    join(folder, 'again.mjs'),
    `export { setTimeout as sleep } from 'node:timers/promises';`,
  );
  writeFileSync(join(folder, 'required.cjs'), CJS);
  await buildPrograms({ programs: { program }, folder: join(folder, 'built') });
  const told = execFileSync(process.execPath, [join(folder, 'built/program.js')], {
    encoding: 'utf8',
  });
  expect(JSON.parse(told)).toEqual({
    before: [],
    same: {
      once: true,
      again: true,
      used: true,
      old: true,
      space: true,
      required: true,
      derived: true,
    },
  });
});

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { text, url } from './fields.ts';
import { describeConfig, loadEnv } from './load-env.ts';
import { secret } from './secret.ts';
import { variablesTable } from './variables-table.ts';

const meaning = 'of this test';
const SCHEMA = {
  database: secret(url('DATABASE_URL', { schemes: ['postgres'], meaning })),
  token: secret(text('ADMIN_TOKEN', { default: '', hidden: true, maxLength: 20, meaning })),
};
const URL_NOW = 'postgres://user:hunter2@db/adtally';

function fileWith(content: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'adtally-secret-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'secret');
  writeFileSync(file, content);
  return file;
}

test('a secret comes from its variable, or is empty by default', () => {
  const { database, token } = loadEnv(SCHEMA, { DATABASE_URL: URL_NOW });
  expect([database(), token()]).toEqual([URL_NOW, '']);
});

test.each(['', '\n', '\r\n'])('or from a file, without the newline at its end: %j', (end) => {
  const env = { DATABASE_URL_FILE: fileWith(`${URL_NOW}${end}`), DATABASE_URL: '' };
  expect(loadEnv(SCHEMA, env).database()).toBe(URL_NOW);
});

test('only one newline is cut: the others belong to the secret', () => {
  const env = { DATABASE_URL: URL_NOW, ADMIN_TOKEN_FILE: fileWith(' a b \n\n') };
  expect(loadEnv(SCHEMA, env).token()).toBe(' a b \n');
});

test('the file is read each time, and what cannot serve leaves the value as it was', () => {
  const file = fileWith('first');
  const { token } = loadEnv(SCHEMA, { DATABASE_URL: URL_NOW, ADMIN_TOKEN_FILE: file });
  expect(token()).toBe('first');
  writeFileSync(file, 'second\n');
  expect(token()).toBe('second');
  writeFileSync(file, 'longer than a token may be');
  expect(token()).toBe('second');
  writeFileSync(file, '');
  expect(token()).toBe('second');
  writeFileSync(file, '\n');
  expect(token()).toBe('second');
  rmSync(file);
  expect(token()).toBe('second');
  writeFileSync(file, 'third');
  expect(token()).toBe('third');
});

test('both, an unreadable file and a wrong content are problems, named at once and without a secret', () => {
  const wrong = fileWith('mysql://user:hunter2@db');
  const env = { DATABASE_URL_FILE: wrong, ADMIN_TOKEN_FILE: '/does/not/exist' };
  const read = (more: Record<string, string>) => () => loadEnv(SCHEMA, { ...env, ...more });
  expect(read({})).toThrow(
    `configuration: DATABASE_URL_FILE: what "${wrong}" holds is not allowed; give a URL beginning with postgres://; ` +
      'ADMIN_TOKEN_FILE: cannot read "/does/not/exist" (ENOENT)',
  );
  expect(read({ DATABASE_URL: URL_NOW, ADMIN_TOKEN: 'x' })).toThrow(
    'DATABASE_URL and DATABASE_URL_FILE are both set: give one of them; ' +
      'ADMIN_TOKEN and ADMIN_TOKEN_FILE are both set: give one of them',
  );
  expect(read({ DATABASE_URL_FILE: fileWith('\n') })).toThrow(
    /DATABASE_URL_FILE: what "[^"]+" holds/,
  );
  // Also where the variable itself may be left out: a token from an empty file would guard nothing.
  expect(read({ ADMIN_TOKEN_FILE: fileWith('') })).toThrow(/ADMIN_TOKEN_FILE: what "[^"]+" holds/);
});

test('it is shown masked, and the table names both variables', () => {
  const env = { DATABASE_URL_FILE: fileWith(URL_NOW), ADMIN_TOKEN_FILE: fileWith('s3cret') };
  const config = loadEnv(SCHEMA, env);
  expect(describeConfig(SCHEMA, config)).toEqual({
    DATABASE_URL: 'postgres://user:***@db/adtally',
    ADMIN_TOKEN: '***',
  });
  expect(JSON.stringify(config)).not.toMatch(/hunter2|s3cret/);
  expect(variablesTable(SCHEMA).split('\n').slice(2)).toEqual([
    '| `DATABASE_URL`, `DATABASE_URL_FILE` | required | of this test |',
    '| `ADMIN_TOKEN`, `ADMIN_TOKEN_FILE` | empty | of this test |',
  ]);
});

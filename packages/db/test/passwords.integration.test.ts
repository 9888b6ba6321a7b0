import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConfigError, loadEnv, redact } from '@adtally/config';
import { guardedPostgres, type GuardedPostgres, hasPostgresServer } from '@adtally/testkit';
import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { DATABASE_ENV } from '../src/env.ts';
import { databaseFailure, openDatabase, WriterSession } from '../src/index.ts';

// A role whose password changes while a process lives, as tokens do that expire.

let server: GuardedPostgres;
let folder: string;
let address: string;

beforeAll(async () => {
  if (!hasPostgresServer()) return;
  server = await guardedPostgres();
  folder = mkdtempSync(join(tmpdir(), 'adtally-passwords-'));
  address = server.urlWith('').replace('&password=', '');
});
afterAll(async () => {
  if (folder === undefined) return;
  await server.close();
  rmSync(folder, { recursive: true });
});

const TOKEN = { first: 'first/token?with#everything@in:it', second: 'second-token-of-the-role' };
const file = () => join(folder, 'token');
const runs = () => readFileSync(join(folder, 'runs'), 'utf8').length;

async function issue(token: string): Promise<void> {
  writeFileSync(file(), `${token}\n`);
  await server.run(`ALTER ROLE app PASSWORD '${token}'`);
}

beforeEach(async () => {
  if (folder === undefined) return;
  writeFileSync(join(folder, 'runs'), '');
  await issue(TOKEN.first);
});

const WAYS: Record<string, () => Record<string, string>> = {
  'a file': () => ({ DATABASE_PASSWORD_FILE: file() }),
  'a command': () => ({
    DATABASE_PASSWORD_COMMAND: `printf . >> ${join(folder, 'runs')}; cat ${file()}`,
  }),
};

test.runIf(hasPostgresServer()).each(Object.keys(WAYS))(
  '%s yields the password of each connection, of pool and writer, and it is hidden',
  async (way) => {
    const { databaseUrl } = loadEnv(DATABASE_ENV, { DATABASE_URL: address, ...WAYS[way]?.() });
    const db = openDatabase(databaseUrl, { applicationName: 'pool', maxConnections: 1 });
    const ask = () => sql`SELECT 1`.execute(db);
    const connect = () =>
      WriterSession.connect({
        databaseUrl,
        applicationName: 'writer',
        lockTimeoutMs: 1_000,
        statementTimeoutMs: 5_000,
        connectTimeoutMs: 5_000,
      });
    try {
      await ask();
      await (await connect()).close();
      await issue(TOKEN.second);
      await server.cutSessions();
      // The statement that meets the loss may fail, and the next one of a session that is just ending.
      await ask().catch(ask).catch(ask);
      await (await connect()).close();
    } finally {
      await db.destroy();
    }
    expect(redact(`${TOKEN.first} ${TOKEN.second}`)).toBe('*** ***');
    if (way === 'a command') expect(runs()).toBe(4);
  },
);

test.runIf(hasPostgresServer()).each([
  ['exit 3', 'DATABASE_PASSWORD_COMMAND ended with 3'],
  ['true', 'DATABASE_PASSWORD_COMMAND printed nothing'],
  [
    'echo told-to-nobody; echo told-to-nobody >&2; exit 1',
    'DATABASE_PASSWORD_COMMAND ended with 1',
  ],
  ['/nowhere/at-all', 'DATABASE_PASSWORD_COMMAND ended with 127'],
  ['sleep 30', 'DATABASE_PASSWORD_COMMAND took more than 10000 ms'],
])('a command that yields none is told, without what it printed: %s', async (command, words) => {
  const env = { DATABASE_URL: address, DATABASE_PASSWORD_COMMAND: command };
  const { databaseUrl } = loadEnv(DATABASE_ENV, env);
  const db = openDatabase(databaseUrl, { applicationName: 'pool', maxConnections: 1 });
  const error = await sql`SELECT 1`.execute(db).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  await db.destroy();
  expect(databaseFailure(error)).toEqual({
    kind: 'refused',
    code: 'database_password',
    detail: words,
  });
});

test('two sources of a password are one too many', () => {
  const env = {
    DATABASE_URL: 'postgres://app@host/db',
    DATABASE_PASSWORD: 'x',
    DATABASE_PASSWORD_COMMAND: 'y',
  };
  expect(() => loadEnv(DATABASE_ENV, env)).toThrow(ConfigError);
  expect(() => loadEnv(DATABASE_ENV, env)).toThrow(/give one of them/);
});

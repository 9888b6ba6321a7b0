import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  databaseUrl,
  freePort,
  hasPostgresServer,
  proxyFor,
  selfSigned,
  testPostgres,
  type TestPostgres,
} from '@adtally/testkit';
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { AddressedClient } from '../src/addressed-client.ts';
import { databaseFailure, openDatabase } from '../src/index.ts';
import { openSession } from '../testing/writer-session.ts';

let server: TestPostgres;
let plain: string;
let folder: string;
const warnings: string[] = [];
const noteWarning = ({ message }: Error) => void warnings.push(message);

beforeAll(async () => {
  process.on('warning', noteWarning);
  plain = await databaseUrl();
  if (!hasPostgresServer()) return;
  const own = selfSigned();
  folder = mkdtempSync(join(tmpdir(), 'adtally-addresses-'));
  writeFileSync(join(folder, 'own.pem'), own.cert);
  writeFileSync(join(folder, 'other.pem'), selfSigned().cert);
  server = await testPostgres({ tls: own });
});
afterAll(async () => {
  process.off('warning', noteWarning);
  if (folder === undefined) return;
  await server.close();
  rmSync(folder, { recursive: true });
});

const file = (name: string) => encodeURIComponent(join(folder, `${name}.pem`));

/** Whether both kinds of connection are encrypted; else what keeps them from being opened. */
async function encryptionOf(url: string): Promise<boolean | string> {
  const asked = 'SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()';
  const db = openDatabase(url, { applicationName: 'test', maxConnections: 1 });
  try {
    const session = await openSession(url);
    onTestFinished(() => session.close());
    const [writer] = await session.query<{ ssl: boolean }>(asked);
    const { rows } = await sql<{ ssl: boolean }>`${sql.raw(asked)}`.execute(db);
    expect(rows).toEqual([writer]);
    return writer?.ssl === true;
  } catch (error) {
    return databaseFailure(error)?.code ?? String(error);
  } finally {
    await db.destroy();
  }
}

test.runIf(hasPostgresServer()).each([
  ['127.0.0.1', 'sslmode=disable', 'database_login'],
  ['127.0.0.1', 'sslmode=allow', true],
  ['127.0.0.1', 'sslmode=prefer', true],
  ['127.0.0.1', 'sslmode=prefer&sslrootcert=other', true],
  ['127.0.0.1', 'sslmode=require', true],
  ['127.0.0.1', 'sslmode=require&sslrootcert=other', 'database_certificate'],
  ['localhost', 'sslmode=require&sslrootcert=own', true],
  ['localhost', 'sslmode=verify-ca&sslrootcert=own', true],
  ['127.0.0.1', 'sslmode=verify-ca&sslrootcert=other', 'database_certificate'],
  ['localhost', 'sslmode=verify-full&sslrootcert=own', 'database_certificate'],
  ['127.0.0.1', 'sslmode=verify-full&sslrootcert=own', true],
  ['127.0.0.1', 'sslmode=verify-full', 'database_certificate'],
  ['127.0.0.1', 'sslrootcert=system', 'database_certificate'],
])(
  'of a server with TLS at %s, %s means what it means to libpq',
  async (host, search, expected) => {
    const url = new URL(server.url);
    url.hostname = host;
    url.search = `user=adtally&${search.replace(/=(own|other)$/, (_, name: string) => `=${file(name)}`)}`;
    expect(await encryptionOf(url.href)).toBe(expected);
  },
);

test.each([
  ['disable', false],
  ['allow', false],
  ['prefer', false],
  ['require', 'database_tls'],
  ['verify-full', 'database_tls'],
])('of a server without TLS, sslmode=%s means what it means to libpq', async (mode, expected) => {
  expect(await encryptionOf(`${plain}?sslmode=${mode}`)).toBe(expected);
});

test('nothing of it warns', () => {
  expect(warnings.filter((words) => words.includes('SSL'))).toEqual([]);
});

test('of several hosts one that answers serves, and of none that does it is waited for', async () => {
  const { username, hostname, port, pathname } = new URL(plain);
  const nobody = `127.0.0.1:${await freePort()}`;
  const hosts = (...list: string[]) => `postgres://${username}@${list.join(',')}${pathname}`;
  expect(await encryptionOf(hosts(nobody, `${hostname}:${port}`))).toBe(false);
  expect(await encryptionOf(hosts(nobody, nobody))).toBe('database_unreachable');
});

test('hosts that are silent do not keep the one that answers from being found', async () => {
  const { username, hostname, port, pathname } = new URL(plain);
  const frozen = await proxyFor(plain);
  onTestFinished(() => frozen.close());
  frozen.blackhole(true);
  const silent = Array.from({ length: 6 }, () => `127.0.0.1:${frozen.port}`);
  const hosts = [...silent, `${hostname}:${port}`].join(',');
  expect(await encryptionOf(`postgres://${username}@${hosts}${pathname}?sslmode=prefer`)).toBe(
    false,
  );
  expect(await encryptionOf(`postgres://${username}@${silent.join(',')}${pathname}`)).toBe(
    'database_unreachable',
  );
});

test('what a password holds is taken as it is spelt, whatever else has to be escaped', () => {
  const password = 'a b/ü:c%';
  const spelt = encodeURIComponent(password).replace('%3A', ':');
  const {
    user,
    password: read,
    database,
  } = new AddressedClient(`postgres://x:${spelt}@host/a%3Ab`, {});
  expect([user, read, database]).toEqual(['x', password, 'a:b']);
});

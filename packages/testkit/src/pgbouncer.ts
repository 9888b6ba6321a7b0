import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { Client } from 'pg';
import { pgBouncerProgram } from './pgbouncer-program.ts';
import { postgresAccount } from './postgres.ts';
import { freePort } from './redis.ts';
import { waitFor } from './wait.ts';

/** A PgBouncer of its own in front of a PostgreSQL. */
export interface TestPgBouncer {
  /** The same database as the same user, through this pooler. */
  urlFor(serverUrl: string): string;
  /** SIGKILL: connections of both sides are closed by the system. */
  kill(): Promise<void>;
  start(): Promise<void>;
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

export interface TestPgBouncerOptions {
  /** Beside the defaults of PgBouncer, of which `pool_mode=session` is one. */
  readonly settings?: Readonly<Record<string, string>>;
  /**
   * PEM; with it clients are let in over TLS alone, and the server is spoken to over TLS by verify-full, where its
   * certificate must be this one, too.
   */
  readonly tls?: { readonly key: string; readonly cert: string };
}

const SHORT_FOLDER = '/tmp';

/** Whether `testPgBouncer` can start one here. */
export function hasPgBouncer(): boolean {
  return pgBouncerProgram() !== undefined;
}

/** A pooler for every database of the server, with PgBouncer's defaults beside where it listens and who may come. */
export async function testPgBouncer(
  serverUrl: string,
  { settings = {}, tls }: TestPgBouncerOptions = {},
): Promise<TestPgBouncer> {
  const program = pgBouncerProgram();
  if (program === undefined) throw new Error('this needs PgBouncer, or apt-get to fetch it with');
  const server = new URL(serverUrl);
  const given = server.searchParams;
  const port = await freePort();
  const folder = mkdtempSync(join(SHORT_FOLDER, 'adtally-pgbouncer-'));
  const account = postgresAccount();
  if (account !== undefined) chownSync(folder, account.uid, account.gid);
  // It refuses to run as root, and nobody else may enter root's cache.
  for (const from of [program.file, ...program.libraries]) {
    copyFileSync(from, join(folder, basename(from)));
  }
  const file = join(folder, 'pgbouncer.ini');
  const users = join(folder, 'userlist.txt');
  const user = server.username || (given.get('user') ?? '');
  const password = decodeURIComponent(server.password) || (given.get('password') ?? '');
  writeFileSync(users, `"${user}" "${password}"\n`);
  const stated = {
    listen_addr: '127.0.0.1',
    listen_port: String(port),
    unix_socket_dir: '',
    auth_type: password === '' ? 'trust' : 'scram-sha-256',
    auth_file: users,
    ...(tls === undefined ? {} : tlsSettings(folder, tls)),
    ...settings,
  };
  const lines = Object.entries(stated).map(([name, value]) => `${name} = ${value}`);
  const host = given.get('host') ?? server.hostname;
  const target = `* = host=${host} port=${given.get('port') ?? (server.port || '5432')}`;
  writeFileSync(file, ['[databases]', target, '[pgbouncer]', ...lines, ''].join('\n'));

  const urlFor = (url: string): string => {
    const { pathname } = new URL(url);
    const login = password === '' ? user : `${user}:${encodeURIComponent(password)}`;
    const query = tls === undefined ? '' : '?sslmode=require&uselibpqcompat=true';
    return `postgres://${login}@127.0.0.1:${port}${pathname}${query}`;
  };
  let child: ChildProcess | undefined;
  const killAtExit = () => child?.kill('SIGKILL');
  process.once('exit', killAtExit);
  const start = async () => {
    const options = { ...account, cwd: folder, stdio: 'ignore' } as const;
    const env = { LD_LIBRARY_PATH: folder };
    child ??= spawn(join(folder, 'pgbouncer'), ['-q', file], { ...options, env });
    await waitFor(() => answers(urlFor(serverUrl)), { what: `PgBouncer on port ${port}` });
  };
  const kill = async () => {
    const ended = child;
    child = undefined;
    if (ended === undefined || ended.exitCode !== null) return;
    const exited = once(ended, 'exit');
    ended.kill('SIGKILL');
    await exited;
  };
  const close = async () => {
    process.off('exit', killAtExit);
    await kill();
    rmSync(folder, { recursive: true, force: true });
  };
  await start();
  return { urlFor, kill, start, close, [Symbol.asyncDispose]: close };
}

function tlsSettings(folder: string, tls: { key: string; cert: string }): Record<string, string> {
  const [key, cert] = [join(folder, 'server.key'), join(folder, 'server.crt')];
  writeFileSync(key, tls.key, { mode: 0o600 });
  writeFileSync(cert, tls.cert);
  const account = postgresAccount();
  if (account !== undefined) chownSync(key, account.uid, account.gid);
  return {
    client_tls_sslmode: 'require',
    client_tls_key_file: key,
    client_tls_cert_file: cert,
    server_tls_sslmode: 'verify-full',
    server_tls_ca_file: cert,
  };
}

/** In no pool mode does it speak for the server before that one answers it. */
async function answers(url: string): Promise<boolean> {
  const client = new Client({ connectionString: url });
  client.on('error', () => undefined);
  try {
    await client.connect();
    await client.query('SELECT 1');
    return true;
  } catch {
    return false;
  } finally {
    await client.end().catch(() => undefined);
  }
}

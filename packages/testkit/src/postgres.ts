import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from 'pg';
import { keepCopy, type CopyKind } from './postgres-copies.ts';
import { type Replication, startReplica, type TestReplica } from './postgres-replica.ts';
import { freePort } from './redis.ts';
import { waitFor } from './wait.ts';

/** A PostgreSQL of its own for one test, reached over a unix socket, or with TLS alone. */
export interface TestPostgres {
  /** Of an empty database; its user is a superuser. */
  readonly url: string;
  /** Ends the server; its socket is gone with it. */
  stop(): Promise<void>;
  /** Starts it again with the data it had. */
  start(): Promise<void>;
  /**
   * Keeps a copy of this moment. The function that comes back kills the server and has the copy go on at its
   * address: what was committed in between is gone.
   */
  keepCopy(kind: CopyKind): Promise<() => Promise<void>>;
  /** Makes a replica that streams; close it before the server. Needs the programs of a whole installation. */
  replica(replication: Replication): Promise<TestReplica>;
  /** From now on every role but that of `url` logs in by its password. */
  askPasswords(): void;
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

const LOGINS = ['local all adtally trust', 'local all all scram-sha-256', ''].join('\n');
const tlsLogins = (method: string): string =>
  [`local all all ${method}`, `hostssl all all 127.0.0.1/32 ${method}`, ''].join('\n');
const PORT = 5_432;
const PACKAGED = '/usr/lib/postgresql';
// A socket's path has about 100 characters at most, and a user's temporary folder may be a long one.
const SHORT_FOLDER = '/tmp';

interface Account {
  readonly uid: number;
  readonly gid: number;
}

/** Whether `testPostgres` can start a server here. */
export function hasPostgresServer(): boolean {
  return postgresPrograms() !== undefined;
}

export interface TestPostgresOptions {
  /** Asked of everybody (SCRAM); without one everybody is let in. */
  readonly password?: string;
  /** PEM; with it the server listens on 127.0.0.1, and whoever comes there without TLS is refused. */
  readonly tls?: { readonly key: string; readonly cert: string };
  /** Folder with initdb and postgres; without it the newest of the system's. */
  readonly programs?: string;
}

/** An own server, not durable: what a test's server has to outlive is its own stop. */
export async function testPostgres({
  password,
  tls,
  programs = postgresPrograms(),
}: TestPostgresOptions = {}): Promise<TestPostgres> {
  if (programs === undefined) throw new Error('this needs the server programs of PostgreSQL');
  const account = postgresAccount();
  const folder = mkdtempSync(join(SHORT_FOLDER, 'adtally-pg-'));
  if (account !== undefined) chownSync(folder, account.uid, account.gid);
  const cluster = join(folder, 'cluster');
  const options = { ...account, cwd: folder, stdio: 'ignore' } as const;
  const secret = password === undefined ? '' : `&password=${encodeURIComponent(password)}`;
  const port = tls === undefined ? PORT : await freePort();
  const url =
    tls === undefined
      ? `postgres:///postgres?host=${folder}&port=${port}&user=adtally${secret}`
      : `postgres://127.0.0.1:${port}/postgres?user=adtally${secret}&sslmode=require&uselibpqcompat=true`;
  const passwordFile = join(folder, 'password');
  if (password !== undefined) writeFileSync(passwordFile, password);
  const auth =
    password === undefined
      ? ['--auth=trust']
      : ['--auth=scram-sha-256', `--pwfile=${passwordFile}`];
  execFileSync(
    join(programs, 'initdb'),
    ['-D', cluster, '--username=adtally', ...auth, '--encoding=UTF8', '--no-sync'],
    options,
  );
  const settings = [`unix_socket_directories=${folder}`, 'fsync=off', ...listening(folder, tls)];
  if (tls !== undefined) {
    const method = password === undefined ? 'trust' : 'scram-sha-256';
    writeFileSync(join(cluster, 'pg_hba.conf'), tlsLogins(method));
  }
  const settingArgs = settings.flatMap((one) => ['-c', one]);
  const args = ['-D', cluster, '-p', String(port), ...settingArgs];

  let child: ChildProcess | undefined;
  const killAtExit = () => child?.kill('SIGKILL');
  process.once('exit', killAtExit);
  const end = async (signal: NodeJS.Signals) => {
    const ended = child;
    child = undefined;
    if (ended === undefined || ended.exitCode !== null) return;
    const exited = once(ended, 'exit');
    ended.kill(signal);
    await exited;
  };
  const stop = () => end('SIGINT'); // a fast shutdown: ends the sessions
  const kill = () => end('SIGQUIT'); // an immediate one: no goodbye, no checkpoint
  const start = async () => {
    child ??= spawn(join(programs, 'postgres'), args, options);
    await waitFor(() => answers(url), { what: `PostgreSQL at ${folder}` });
  };
  const close = async () => {
    process.off('exit', killAtExit);
    await stop();
    rmSync(folder, { recursive: true, force: true });
  };
  const askPasswords = () => {
    writeFileSync(join(cluster, 'pg_hba.conf'), LOGINS);
    child?.kill('SIGHUP');
  };
  await start();
  const files = {
    programs,
    folder,
    cluster,
    url,
    port,
    options: { ...account, cwd: folder },
  };
  const copied = { ...files, settings: settingArgs, kill, start };
  return {
    url,
    stop,
    start,
    keepCopy: (kind) => keepCopy(copied, kind),
    replica: (replication) => startReplica(copied, replication),
    askPasswords,
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** Where it listens; a key must be its own and nobody else's to read. */
function listening(folder: string, tls: TestPostgresOptions['tls']): string[] {
  if (tls === undefined) return ['listen_addresses='];
  const [key, cert] = [join(folder, 'server.key'), join(folder, 'server.crt')];
  writeFileSync(key, tls.key, { mode: 0o600 });
  writeFileSync(cert, tls.cert);
  const account = postgresAccount();
  if (account !== undefined) chownSync(key, account.uid, account.gid);
  return ['listen_addresses=127.0.0.1', 'ssl=on', `ssl_key_file=${key}`, `ssl_cert_file=${cert}`];
}

async function answers(url: string): Promise<boolean> {
  const client = new Client({ connectionString: url });
  client.on('error', () => undefined);
  try {
    await client.connect();
    await client.end();
    return true;
  } catch {
    return false;
  }
}

/** Where initdb and postgres are: the newest of the system's packages: they lie beside the path. */
export function postgresPrograms(): string | undefined {
  if (!existsSync(PACKAGED)) return undefined;
  return readdirSync(PACKAGED)
    .toSorted((a, b) => Number(b) - Number(a))
    .map((major) => join(PACKAGED, major, 'bin'))
    .find((folder) => existsSync(join(folder, 'initdb')));
}

/** PostgreSQL refuses to run as root. */
export function postgresAccount(): Account | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const idOf = (kind: string) =>
    Number(spawnSync('id', [kind, 'postgres'], { encoding: 'utf8' }).stdout);
  return { uid: idOf('-u'), gid: idOf('-g') };
}

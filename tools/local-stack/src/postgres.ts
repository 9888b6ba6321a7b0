import { existsSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';

import { StackError } from './errors.ts';
import { dataFolder } from './folders.ts';
import { startServer } from './processes.ts';
import type { Report } from './report.ts';
import { run } from './run.ts';
import type { Launched, Server, StartContext } from './server.ts';
import { ensurePostgres } from './toolchain.ts';
import { serverUser } from './users.ts';

const USER = 'adtally';
const DATABASE = 'adtally';

/** Settings given on the command line. Durability stays as in production: measured figures include it. */
const SETTINGS: Readonly<Record<string, string>> = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  max_connections: '200',
  shared_buffers: '512MB',
  max_wal_size: '4GB',
  fsync: 'on',
  synchronous_commit: 'on',
};

let binFolder = '';

async function prepare(report: Report): Promise<void> {
  binFolder = await ensurePostgres(report);
}

/** A program of the server found by `prepare`; before that, whatever PATH has. */
function program(name: string): string {
  return join(binFolder, name);
}

async function mustRun(file: string, args: readonly string[], input = ''): Promise<void> {
  const result = await run(program(file), args, { user: serverUser('postgres'), input });
  if (result.code !== 0) throw new StackError(`${file} failed:\n${result.output}`);
}

/**
 * Makes the cluster with the stack's database, whole or not at all. Only loopback is listened on,
 * so local users are trusted; the data is made up.
 */
async function initialise(cluster: string): Promise<void> {
  const unfinished = `${cluster}.unfinished`;
  rmSync(unfinished, { recursive: true, force: true });
  const options = ['--encoding=UTF8', '--locale=C', '--data-checksums', '--no-instructions'];
  await mustRun('initdb', ['-D', unfinished, `--username=${USER}`, '--auth=trust', ...options]);
  await mustRun(
    'postgres',
    ['--single', '-D', unfinished, 'postgres'],
    `CREATE DATABASE ${DATABASE}\n`,
  );
  renameSync(unfinished, cluster);
}

/** A server of another major version cannot read an older cluster. */
async function checkMajor(cluster: string): Promise<void> {
  const made = readFileSync(join(cluster, 'PG_VERSION'), 'utf8').trim();
  const { output } = await run(program('postgres'), ['--version']);
  if (!output.includes(`(PostgreSQL) ${made}`)) {
    throw new StackError(
      `the data in ${cluster} was made by PostgreSQL ${made}, and this is ${output.trim()}; ` +
        'remove the local data with: ./dev down --purge',
    );
  }
}

async function launch(context: StartContext): Promise<Launched> {
  const [port = 0] = context.ports;
  const user = serverUser('postgres');
  const folder = dataFolder(context.localFolder, 'postgres', context.remembered?.dataFolder, user);
  const cluster = join(folder, 'cluster');
  if (!existsSync(join(cluster, 'PG_VERSION'))) await initialise(cluster);
  await checkMajor(cluster);
  const settings = Object.entries(SETTINGS).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const server = await startServer({
    file: program('postgres'),
    args: ['-D', cluster, '-p', String(port), ...settings],
    logFile: context.logFile,
    user,
  });
  return { server, dataFolder: folder };
}

/** Ready means: it answers a query in the stack's database. */
async function isReady([port = 0]: readonly number[]): Promise<boolean> {
  const database = `host=127.0.0.1 port=${port} user=${USER} dbname=${DATABASE} connect_timeout=2`;
  return (await run(program('psql'), ['-X', '-q', '-d', database, '-c', 'SELECT 1'])).code === 0;
}

export const postgres: Server = {
  name: 'postgres',
  title: 'PostgreSQL',
  defaultPorts: [25_432],
  readyTimeoutMs: 60_000,
  // Fast shutdown: ends sessions, writes a checkpoint.
  stopSignal: 'SIGINT',
  stopGraceMs: 60_000,
  prepare,
  launch,
  isReady,
  url: ([port = 0]) => `postgres://${USER}@127.0.0.1:${port}/${DATABASE}`,
};

import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openDatabase, type Database } from '@adtally/db';
import {
  freePort,
  postgresAccount,
  postgresPrograms,
  tcpProxy,
  waitFor,
  type TcpProxy,
} from '@adtally/testkit';
import { sql } from 'kysely';
import { stateOf } from './services.ts';

export const APP_ROLE = 'adtally_app';
const ADMIN_ROLE = 'adtally';
const SHORT_FOLDER = '/tmp';
const START_LIMIT_MS = 60_000;
type Limits = Pick<Parameters<typeof openDatabase>[1], 'statementTimeoutMs' | 'lockTimeoutMs'>;
/** On a busy machine somebody's transaction may hold a lock for long. */
const PATIENT: Limits = { statementTimeoutMs: 120_000, lockTimeoutMs: 120_000 };
/** Few: so that they can be exhausted. */
const CONNECTIONS_MAX = 60;

/**
 * A PostgreSQL of the run's own: services come over TCP through a proxy as an ordinary role with a password, the run
 * itself over the unix socket as superuser.
 */
export class DatabaseServer {
  readonly proxy: TcpProxy;
  readonly #folder: string;
  readonly #port: number;
  readonly #programs: string;
  readonly #account = postgresAccount();
  #child: ChildProcess | undefined;
  readonly #killAtExit = () => void this.#child?.kill('SIGQUIT');

  private constructor(programs: string, folder: string, port: number, proxy: TcpProxy) {
    this.#programs = programs;
    this.#folder = folder;
    this.#port = port;
    this.proxy = proxy;
    process.once('exit', this.#killAtExit);
  }

  static async start(): Promise<DatabaseServer> {
    const programs = postgresPrograms();
    if (programs === undefined) throw new Error('this needs the server programs of PostgreSQL');
    const folder = mkdtempSync(join(SHORT_FOLDER, 'adtally-pg-'));
    const port = await freePort();
    const proxy = await tcpProxy({ host: '127.0.0.1', port });
    const server = new DatabaseServer(programs, folder, port, proxy);
    if (server.#account !== undefined) {
      chownSync(folder, server.#account.uid, server.#account.gid);
    }
    const auth = ['--auth-local=trust', '--auth-host=scram-sha-256'];
    const who = [`--username=${ADMIN_ROLE}`, '--encoding=UTF8', '--no-sync'];
    server.#run('initdb', ['-D', server.#cluster, ...who, ...auth]);
    await server.start();
    return server;
  }

  /** For the run itself: superuser, past the proxy; close it with `destroy`. */
  admin(database = 'postgres', limits: Limits = {}): Database {
    const url = this.adminUrl(database);
    return openDatabase(url, { applicationName: 'breaking-run', maxConnections: 2, ...limits });
  }

  /** As superuser, past the proxy: for a program that is no part of the run. */
  adminUrl(database: string): string {
    return `postgres:///${database}?host=${this.#folder}&port=${this.#port}&user=${ADMIN_ROLE}`;
  }

  /** Runs statements as superuser, one after the other; each waits for its locks, since what breaks or heals must happen. */
  async ask(database: string, ...statements: string[]): Promise<Record<string, unknown>[]> {
    const db = this.admin(database, PATIENT);
    try {
      let rows: Record<string, unknown>[] = [];
      for (const text of statements) {
        rows = (await sql.raw<Record<string, unknown>>(text).execute(db)).rows;
      }
      return rows;
    } finally {
      await db.destroy();
    }
  }

  /** Runs statements in a session that stays open, with what it holds, until the function is called. */
  async hold(database: string, ...statements: string[]): Promise<() => Promise<void>> {
    const db = this.admin(database, PATIENT);
    const taken = Promise.withResolvers<void>();
    const ending = Promise.withResolvers<void>();
    const held = db
      .connection()
      .execute(async (connection) => {
        // A frozen process may hold what is asked for, and others may come for it late.
        await sql`SET idle_in_transaction_session_timeout = 0`.execute(connection);
        for (const text of statements) await sql.raw(text).execute(connection);
        taken.resolve();
        await ending.promise;
        await sql`ROLLBACK`.execute(connection);
      })
      .catch(taken.reject);
    await taken.promise;
    return async () => {
      ending.resolve();
      await held;
      await db.destroy();
    };
  }

  /** What a service is given. */
  urlFor(database: string, password: string): string {
    return `postgres://${APP_ROLE}:${password}@127.0.0.1:${this.proxy.port}/${database}`;
  }

  get isFrozen(): boolean {
    const [pid] = this.#pids();
    return pid !== undefined && stateOf(pid) === 'T';
  }

  get isRunning(): boolean {
    const child = this.#child;
    return child !== undefined && child.exitCode === null && child.signalCode === null;
  }

  async start(): Promise<void> {
    if (this.isRunning) return;
    const settings = [
      'listen_addresses=127.0.0.1',
      `unix_socket_directories=${this.#folder}`,
      `max_connections=${CONNECTIONS_MAX}`,
      'fsync=off',
      'max_wal_senders=2',
    ].flatMap((one) => ['-c', one]);
    const args = ['-D', this.#cluster, '-p', String(this.#port), ...settings];
    this.#child = spawn(join(this.#programs, 'postgres'), args, {
      ...this.#account,
      cwd: this.#folder,
      stdio: 'ignore',
    });
    await waitFor(async () => (await this.ask('postgres', 'SELECT 1')).length === 1, {
      what: 'PostgreSQL',
      timeoutMs: START_LIMIT_MS,
      intervalMs: 100,
    });
  }

  /** An immediate shutdown, as a crash: recovery follows at the next start. */
  async stop(): Promise<void> {
    const child = this.#child;
    if (child === undefined || !this.isRunning) return;
    this.thaw();
    const exited = once(child, 'exit');
    child.kill('SIGQUIT');
    await exited;
  }

  /** SIGSTOP for the server and each of its processes: connections stay open and nothing answers. */
  freeze(): void {
    for (const pid of this.#pids()) process.kill(pid, 'SIGSTOP');
  }

  thaw(): void {
    for (const pid of this.#pids().toReversed()) process.kill(pid, 'SIGCONT');
  }

  /** The server starts anew as a standby of nobody: it answers, and takes no writes. */
  async demote(): Promise<void> {
    await this.stop();
    const signal = join(this.#cluster, 'standby.signal');
    writeFileSync(signal, '');
    if (this.#account !== undefined) chownSync(signal, this.#account.uid, this.#account.gid);
    await this.start();
  }

  /** A base backup of now; the function puts it in the place of what has been written since. */
  backUp(): () => Promise<void> {
    const copy = join(this.#folder, `backup-${Date.now()}`);
    const from = ['-h', this.#folder, '-p', String(this.#port), '-U', ADMIN_ROLE];
    this.#run('pg_basebackup', [...from, '-D', copy, '--checkpoint=fast', '--no-sync']);
    return async () => {
      await this.stop();
      rmSync(this.#cluster, { recursive: true });
      renameSync(copy, this.#cluster);
      await this.start();
    };
  }

  async close(): Promise<void> {
    process.off('exit', this.#killAtExit);
    await this.stop();
    await this.proxy.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  get #cluster(): string {
    return join(this.#folder, 'cluster');
  }

  #run(program: string, args: readonly string[]): void {
    const options = { ...this.#account, cwd: this.#folder, stdio: 'ignore' } as const;
    execFileSync(join(this.#programs, program), args, options);
  }

  #pids(): number[] {
    const pid = this.#child?.pid;
    if (pid === undefined || !this.isRunning) return [];
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
    return [pid, ...children.split(' ').filter(Boolean).map(Number)];
  }
}

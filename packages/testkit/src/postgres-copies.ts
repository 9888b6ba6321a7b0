import { execFileSync, spawn } from 'node:child_process';
import { renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from 'pg';
import { waitFor } from './wait.ts';

/** The files and programs of a server that is copied, and how it is ended and started. */
export interface CopiedServer {
  readonly programs: string;
  /** Holds the cluster and the sockets. */
  readonly folder: string;
  readonly cluster: string;
  readonly url: string;
  readonly port: number;
  /** The account the server runs under, and its working folder. */
  readonly options: { readonly uid?: number; readonly gid?: number; readonly cwd: string };
  readonly settings: readonly string[];
  readonly kill: () => Promise<void>;
  readonly start: () => Promise<void>;
}

/**
 * `backup`: a base backup is taken, and put back later. `replica`: a streaming replica is made that hears
 * nothing of what is committed from now on, and is promoted later: an asynchronous failover.
 */
export type CopyKind = 'backup' | 'replica';

/**
 * Keeps a copy of the server as it is now. The function that comes back kills the server and has the copy go
 * on at its address: what was committed in between is gone.
 */
export async function keepCopy(server: CopiedServer, kind: CopyKind): Promise<() => Promise<void>> {
  const copy = join(server.folder, `copy-${kind}`);
  const program = (name: string) => join(server.programs, name);
  const run = (name: string, args: readonly string[]) =>
    execFileSync(program(name), args, { ...server.options, stdio: 'ignore' });
  const from = ['-h', server.folder, '-p', String(server.port), '-U', 'adtally'];
  const asReplica = kind === 'replica' ? ['-R'] : [];
  run('pg_basebackup', [...from, '-D', copy, '--checkpoint=fast', '--no-sync', ...asReplica]);
  const putInPlace = async () => {
    rmSync(server.cluster, { recursive: true });
    renameSync(copy, server.cluster);
    await server.start();
  };
  if (kind === 'backup') {
    return async () => {
      await server.kill();
      await putInPlace();
    };
  }

  const port = server.port + 1;
  const replicaUrl = server.url.replace(`port=${server.port}`, `port=${port}`);
  const args = ['-D', copy, '-p', String(port), ...server.settings];
  const replica = spawn(program('postgres'), args, { ...server.options, stdio: 'ignore' });
  const killAtExit = () => replica.kill('SIGKILL');
  process.once('exit', killAtExit);
  const ask = (text: string) => query(replicaUrl, text);
  await waitFor(() => ask('SELECT 1 FROM pg_stat_wal_receiver'), {
    what: 'a replica that streams',
  });
  await caughtUp(server.url, replicaUrl);
  await ask(`ALTER SYSTEM SET primary_conninfo = ''`);
  await ask('SELECT pg_reload_conf()');
  await waitFor(async () => (await ask('SELECT 1 FROM pg_stat_wal_receiver')).length === 0, {
    what: 'a replica that hears nothing any more',
  });
  return async () => {
    await server.kill();
    await ask('SELECT pg_promote()');
    await ask('CHECKPOINT');
    replica.kill('SIGINT');
    await new Promise((resolve) => replica.once('exit', resolve));
    process.off('exit', killAtExit);
    // The address moves to the new primary: here it is the folder with the sockets.
    await putInPlace();
  };
}

async function caughtUp(primaryUrl: string, replicaUrl: string): Promise<void> {
  const [row] = await query(primaryUrl, 'SELECT pg_current_wal_flush_lsn()::text AS lsn');
  const replayed = `SELECT pg_last_wal_replay_lsn() >= '${String(row?.['lsn'])}'::pg_lsn AS has`;
  await waitFor(async () => (await query(replicaUrl, replayed))[0]?.['has'], {
    what: 'a replica that has replayed all',
  });
}

async function query(url: string, text: string): Promise<Record<string, unknown>[]> {
  const client = new Client({ connectionString: url });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(text)).rows;
  } finally {
    await client.end();
  }
}

import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { Client } from 'pg';
import type { CopiedServer } from './postgres-copies.ts';
import { waitFor } from './wait.ts';

/** A replica that streams from a server all the time, on the port after its. */
export interface TestReplica {
  /** Names both servers; only one of them takes writes. */
  readonly url: string;
  /** Kills the primary, which stays away, and promotes the replica. */
  failOver(): Promise<void>;
  /** Ends the replica; its files go with those of the primary. */
  close(): Promise<void>;
}

/** `synchronous`: a commit is answered when the replica has it on its disk. */
export type Replication = 'synchronous' | 'asynchronous';

/** Makes a streaming replica and waits until it has caught up. */
export async function startReplica(
  server: CopiedServer,
  replication: Replication,
): Promise<TestReplica> {
  const { programs, folder, url, options, settings, kill } = server;
  const cluster = join(folder, 'replica');
  const from = ['-h', folder, '-p', String(server.port), '-U', 'adtally'];
  const copy = [...from, '-R', '-D', cluster, '--checkpoint=fast', '--no-sync'];
  execFileSync(join(programs, 'pg_basebackup'), copy, { ...options, stdio: 'ignore' });
  const port = server.port + 1;
  const own = url.replace(`port=${server.port}`, `port=${port}`);
  const args = ['-D', cluster, '-p', String(port), ...settings];
  const replica = spawn(join(programs, 'postgres'), args, { ...options, stdio: 'ignore' });
  const killAtExit = () => replica.kill('SIGKILL');
  process.once('exit', killAtExit);
  if (replication === 'synchronous') {
    // After its files were copied: once promoted the replica must wait for nobody.
    await run(url, "ALTER SYSTEM SET synchronous_standby_names = '*'");
    await run(url, 'SELECT pg_reload_conf()');
  }
  const isThere = `SELECT FROM pg_stat_replication WHERE state = 'streaming'
    AND sync_state = '${replication === 'synchronous' ? 'sync' : 'async'}'`;
  await waitFor(async () => (await run(url, isThere)) > 0, { what: 'a replica that streams' });
  return {
    url: url
      .replace(`host=${folder}`, `host=${folder},${folder}`)
      .replace(`port=${server.port}`, `port=${server.port},${port}`),
    async failOver() {
      await kill();
      await run(own, 'SELECT pg_promote()');
    },
    async close() {
      process.off('exit', killAtExit);
      if (replica.exitCode !== null) return;
      const exited = once(replica, 'exit');
      replica.kill('SIGINT');
      await exited;
    },
  };
}

async function run(url: string, text: string): Promise<number> {
  const client = new Client({ connectionString: url });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return (await client.query(text)).rows.length;
  } finally {
    await client.end();
  }
}

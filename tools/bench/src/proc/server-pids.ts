import { type StackAddresses, stackStatus } from '@adtally/local-stack';
import type { Client } from 'pg';
import type { Redis } from 'ioredis';
import { listenerPid } from './listener.ts';
import { readStat } from './process-cpu.ts';

/** Main processes of the servers; null where one is on another machine or cannot be seen. */
export interface ServerPids {
  readonly postgres: number | null;
  readonly redis: number | null;
  readonly kafka: number | null;
}

/**
 * Finds the servers' processes. PostgreSQL and Redis tell their pid themselves; as a pid of another
 * machine means nothing here, the process it names must also bear the server's name.
 */
export async function findServerPids(
  addresses: StackAddresses,
  postgres: Client,
  redis: Redis,
): Promise<ServerPids> {
  const { rows } = await postgres.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
  const backend = readStat(rows[0]?.pid ?? 0);
  const redisPid = Number(/^process_id:(\d+)/m.exec(await redis.info('server'))?.[1] ?? 0);
  return {
    postgres: backend?.name.startsWith('postgres') ? named(backend.parentPid, 'postgres') : null,
    redis: named(redisPid, 'redis'),
    kafka: await findKafka(addresses.kafkaBrokers),
  };
}

function named(pid: number, name: string): number | null {
  return readStat(pid)?.name.startsWith(name) === true ? pid : null;
}

/** One broker on this machine; of a cluster no one process could speak. */
async function findKafka(brokers: string): Promise<number | null> {
  const started = (await stackStatus()).find(({ name }) => name === 'kafka');
  if (started?.origin === 'local' && started.pid !== undefined) return started.pid;
  const [, host, port] = /^(.+):(\d+)$/.exec(brokers) ?? [];
  if (host === undefined || !['127.0.0.1', 'localhost', '[::1]'].includes(host)) return null;
  return listenerPid(Number(port));
}

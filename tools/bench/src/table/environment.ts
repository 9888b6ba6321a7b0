import { execFileSync } from 'node:child_process';
import { readFileSync, readlinkSync, readdirSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, release, totalmem } from 'node:os';
import { repositoryRoot } from '@adtally/local-stack';
import type { Servers } from '../servers.ts';

/** Where figures were measured. */
export interface Environment {
  readonly at: string;
  readonly commit: string;
  /** Uncommitted changes lie in the sources. */
  readonly changed: boolean;
  readonly cores: number;
  readonly cpu: string;
  readonly memory_gib: number;
  readonly kernel: string;
  readonly node: string;
  /** Null where the server does not tell, or runs elsewhere. */
  readonly kafka: string | null;
  readonly postgres: string | null;
  readonly redis: string | null;
  /** The machine's load over one minute before the first line: others' work beside the bench. */
  readonly load_before: number;
}

const GIBIBYTE = 1_073_741_824;
const KAFKA_JAR = /kafka-server-common-([\d.]+)\.jar$/;

/** Looks at the machine and the servers, before anything is measured. */
export async function environmentOf({ postgres, redis, pids }: Servers): Promise<Environment> {
  const { rows } = await postgres.query<{ server_version: string }>('SHOW server_version');
  return {
    at: new Date().toISOString(),
    commit: git('rev-parse', '--short=12', 'HEAD') ?? 'unknown',
    changed: git('status', '--porcelain') !== '',
    cores: availableParallelism(),
    cpu: cpus()[0]?.model ?? 'unknown',
    memory_gib: Math.round(totalmem() / GIBIBYTE),
    kernel: release(),
    node: process.version,
    kafka: kafkaVersion(pids.kafka),
    postgres: rows[0]?.server_version ?? null,
    redis: /^redis_version:(\S+)/m.exec(await redis.info('server'))?.[1] ?? null,
    load_before: Number((loadavg()[0] ?? Number.NaN).toFixed(2)),
  };
}

/** The environment in one line of words. */
export function environmentText(environment: Environment): string {
  const { kafka, postgres, redis } = environment;
  const changed = environment.changed ? ' with changes' : '';
  return [
    `${environment.cores} cores (${environment.cpu})`,
    `${environment.memory_gib} GiB`,
    `Linux ${environment.kernel}`,
    `Node ${environment.node}`,
    `Kafka ${kafka ?? '?'}`,
    `PostgreSQL ${postgres ?? '?'}`,
    `Redis ${redis ?? '?'}`,
    `commit ${environment.commit}${changed}`,
    `load before ${environment.load_before}`,
    environment.at,
  ].join(', ');
}

/** By the jars a broker on this machine has open or named. */
function kafkaVersion(pid: number | null): string | null {
  if (pid === null) return null;
  try {
    const open = readdirSync(`/proc/${pid}/fd`).map((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`));
    const named = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split(/[\0:]/);
    return [...open, ...named].map((path) => KAFKA_JAR.exec(path)?.[1]).find(Boolean) ?? null;
  } catch {
    return null;
  }
}

function git(...args: string[]): string | null {
  try {
    return execFileSync('git', args, {
      cwd: repositoryRoot,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
  } catch {
    return null;
  }
}

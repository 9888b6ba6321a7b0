import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';

import { externalAddresses, type ExternalAddresses, localFolder } from './env.ts';
import { checkExternal, externalAnswers } from './external.ts';
import { kafka } from './kafka.ts';
import { withLock } from './lock.ts';
import { accepts, pickPort } from './ports.ts';
import { postgres } from './postgres.ts';
import { endProcess, isRunning } from './processes.ts';
import { redis } from './redis.ts';
import { type Report, reportToStderr, reportWhile } from './report.ts';
import type { Server } from './server.ts';
import {
  readState,
  SERVER_NAMES,
  type ServerName,
  type ServerRecord,
  type StackState,
  writeState,
} from './state.ts';
import { waitReady } from './wait.ts';

/** Where the three servers answer, as the services take them. */
export interface StackAddresses {
  readonly kafkaBrokers: string;
  readonly databaseUrl: string;
  readonly redisUrl: string;
}

/** One server as `status` shows it. */
export interface ServerStatus {
  readonly name: ServerName;
  readonly title: string;
  /** `environment`: named by its variable and never started or ended here. */
  readonly origin: 'environment' | 'local';
  readonly running: boolean;
  readonly url: string | undefined;
  readonly pid: number | undefined;
  readonly dataFolder: string | undefined;
  readonly logFile: string | undefined;
}

const SERVERS: Readonly<Record<ServerName, Server>> = { kafka, postgres, redis };
const VARIABLES: Readonly<Record<ServerName, string>> = {
  kafka: 'KAFKA_BROKERS',
  postgres: 'DATABASE_URL',
  redis: 'REDIS_URL',
};

const ACCEPT_TIMEOUT_MS = 2_000;
const stateFile = join(localFolder, 'stack.json');
const lockFile = join(localFolder, 'stack.lock');

function externalUrl(external: ExternalAddresses, name: ServerName): string | undefined {
  const urls: Readonly<Record<ServerName, string | undefined>> = {
    kafka: external.kafkaBrokers,
    postgres: external.databaseUrl,
    redis: external.redisUrl,
  };
  return urls[name];
}

function runningRecord(state: StackState, name: ServerName): ServerRecord | undefined {
  const record = state[name];
  return record?.process !== undefined && isRunning(record.process) ? record : undefined;
}

async function pickPorts(server: Server, remembered: ServerRecord | undefined): Promise<number[]> {
  const ports: number[] = [];
  for (const [index, preferred] of server.defaultPorts.entries()) {
    const before = remembered?.ports[index];
    const wishes = before === undefined ? [preferred] : [before, preferred];
    ports.push(await pickPort(wishes, new Set(ports)));
  }
  return ports;
}

/** Keeps one older log beside the current one, so that logs stay bounded by two runs. */
function rotateLog(logFile: string): void {
  if (existsSync(logFile)) renameSync(logFile, `${logFile}.1`);
}

async function startOne(server: Server, report: Report): Promise<void> {
  const remembered = readState(stateFile)[server.name];
  const ports = await pickPorts(server, remembered);
  const logFile = join(localFolder, 'logs', `${server.name}.log`);
  rotateLog(logFile);
  const started = performance.now();
  const launched = await server.launch({ localFolder, logFile, ports, remembered, report });
  // Remembered before it answers: an interrupted start is ended by `down` all the same.
  writeState(stateFile, {
    ...readState(stateFile),
    [server.name]: {
      process: launched.server.identity,
      ports,
      dataFolder: launched.dataFolder,
      logFile,
    },
  });
  try {
    await waitReady(server.title, launched.server, logFile, server.readyTimeoutMs, () =>
      server.isReady(ports),
    );
  } catch (error) {
    await stopOne(server);
    throw error;
  }
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  report(`${server.title} answers at ${server.url(ports)} (${seconds} s)`);
}

async function stopOne(server: Server): Promise<boolean> {
  const state = readState(stateFile);
  const record = state[server.name];
  if (record?.process === undefined) return false;
  const ended = await endProcess(record.process, server.stopSignal, server.stopGraceMs);
  writeState(stateFile, {
    ...readState(stateFile),
    [server.name]: { ...record, process: undefined },
  });
  return ended;
}

async function startMissing(missing: readonly Server[], report: Report): Promise<void> {
  for (const server of missing) await server.prepare(report);
  mkdirSync(localFolder, { recursive: true });
  report(`starting ${missing.map((server) => server.title).join(', ')}`);
  const results = await reportWhile(report, 'starting servers', () =>
    Promise.allSettled(missing.map((server) => startOne(server, report))),
  );
  const failed = results.find((result) => result.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}

/**
 * Makes all three servers answer: takes those named in the environment, and starts the others
 * where they are not running yet. Missing programs are installed first, each said before.
 * @throws StackError when one cannot be installed, reached or started.
 */
export async function ensureStack(report: Report = reportToStderr): Promise<StackAddresses> {
  const external = externalAddresses();
  await checkExternal(external);
  await withLock(lockFile, async () => {
    const state = readState(stateFile);
    const missing: Server[] = [];
    for (const name of SERVER_NAMES) {
      if (externalUrl(external, name) !== undefined) continue;
      const record = runningRecord(state, name);
      if (record !== undefined && (await accepts(record.ports[0] ?? 0, ACCEPT_TIMEOUT_MS)))
        continue;
      // It runs but lets nobody in (a start that was interrupted): begin again.
      if (record !== undefined) await stopOne(SERVERS[name]);
      missing.push(SERVERS[name]);
    }
    if (missing.length > 0) await startMissing(missing, report);
  });
  const running = runningAddresses();
  const { kafkaBrokers, databaseUrl, redisUrl } = running;
  if (kafkaBrokers === undefined || databaseUrl === undefined || redisUrl === undefined) {
    throw new Error('a server that answered a moment ago is gone');
  }
  return { kafkaBrokers, databaseUrl, redisUrl };
}

/** Addresses of the servers that are there now, without starting any: from the environment or running here. */
export function runningAddresses(): Partial<StackAddresses> {
  const external = externalAddresses();
  const state = readState(stateFile);
  const url = (name: ServerName): string | undefined => {
    const given = externalUrl(external, name);
    if (given !== undefined) return given;
    const record = runningRecord(state, name);
    return record === undefined ? undefined : SERVERS[name].url(record.ports);
  };
  const kafkaBrokers = url('kafka');
  const databaseUrl = url('postgres');
  const redisUrl = url('redis');
  return {
    ...(kafkaBrokers === undefined ? {} : { kafkaBrokers }),
    ...(databaseUrl === undefined ? {} : { databaseUrl }),
    ...(redisUrl === undefined ? {} : { redisUrl }),
  };
}

/**
 * Ends exactly the servers that were started here; a pid that meanwhile belongs to another
 * process is left alone. Data stays unless `purge` is set. Gives the titles of what it ended.
 */
export async function stopStack(
  options: { purge?: boolean; report?: Report } = {},
): Promise<string[]> {
  const report = options.report ?? reportToStderr;
  return await withLock(lockFile, async () => {
    const ended: string[] = [];
    await Promise.all(
      SERVER_NAMES.map(async (name) => {
        if (!(await stopOne(SERVERS[name]))) return;
        ended.push(SERVERS[name].title);
        report(`ended ${SERVERS[name].title}`);
      }),
    );
    if (options.purge === true) {
      for (const name of SERVER_NAMES) {
        const folder = readState(stateFile)[name]?.dataFolder;
        if (folder === undefined) continue;
        report(`removing ${folder}`);
        rmSync(folder, { recursive: true, force: true });
      }
      writeState(stateFile, {});
    }
    return ended;
  });
}

/** What runs where. Starts and changes nothing. */
export async function stackStatus(): Promise<ServerStatus[]> {
  const external = externalAddresses();
  const state = readState(stateFile);
  return await Promise.all(
    SERVER_NAMES.map(async (name): Promise<ServerStatus> => {
      const { title } = SERVERS[name];
      const given = externalUrl(external, name);
      const none = { pid: undefined, dataFolder: undefined, logFile: undefined };
      if (given !== undefined) {
        const running = await externalAnswers(VARIABLES[name], given);
        return { name, title, origin: 'environment', running, url: given, ...none };
      }
      const { dataFolder, logFile } = state[name] ?? none;
      const record = runningRecord(state, name);
      const url = record === undefined ? undefined : SERVERS[name].url(record.ports);
      const pid = record?.process?.pid;
      const running = record !== undefined;
      return { name, title, origin: 'local', running, url, pid, dataFolder, logFile };
    }),
  );
}

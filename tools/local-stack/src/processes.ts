import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import type { ServerUser } from './users.ts';

const POLL_MS = 50;
const LOG_TAIL_LINES = 20;

/**
 * Names one process for good: a pid alone is reused, a pid with its start time (clock ticks since
 * boot) and the boot it belongs to is not.
 */
export interface ProcessIdentity {
  readonly pid: number;
  readonly startTicks: number;
  readonly bootId: string;
}

/** Start time, field 22 of /proc/<pid>/stat. The command's name (field 2) may hold blanks and brackets. */
export function parseStartTicks(stat: string): number | undefined {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const state = fields[0];
  const ticks = Number(fields[19]);
  // A zombie has ended: only its parent has not noticed yet.
  if (state === 'Z' || !Number.isSafeInteger(ticks) || ticks <= 0) return undefined;
  return ticks;
}

function readOptional(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

/** Identity of a running process, undefined when there is none with that pid. */
export function identify(pid: number): ProcessIdentity | undefined {
  const startTicks = parseStartTicks(readOptional(`/proc/${pid}/stat`) ?? '');
  const bootId = readOptional('/proc/sys/kernel/random/boot_id')?.trim();
  if (startTicks === undefined || bootId === undefined) return undefined;
  return { pid, startTicks, bootId };
}

/** True while exactly that process runs; false when its pid now belongs to another. */
export function isRunning(identity: ProcessIdentity): boolean {
  const now = identify(identity.pid);
  return now?.startTicks === identity.startTicks && now.bootId === identity.bootId;
}

export interface ServerCommand {
  readonly file: string;
  readonly args: readonly string[];
  readonly logFile: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly user?: ServerUser | undefined;
}

/** A started server; `exited` says whether it has already ended again. */
export interface StartedServer {
  readonly identity: ProcessIdentity;
  readonly exited: () => boolean;
}

/** Starts a server that outlives this process; its output is appended to the log file. */
export async function startServer(command: ServerCommand): Promise<StartedServer> {
  mkdirSync(dirname(command.logFile), { recursive: true });
  const log = openSync(command.logFile, 'a');
  let child: ChildProcess;
  try {
    child = spawn(command.file, command.args, {
      cwd: '/',
      detached: true,
      stdio: ['ignore', log, log],
      env: { ...process.env, ...command.env },
      ...(command.user === undefined ? {} : { uid: command.user.uid, gid: command.user.gid }),
    });
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve);
      child.once('error', reject);
    });
  } finally {
    closeSync(log);
  }
  child.unref();
  const identity = child.pid === undefined ? undefined : identify(child.pid);
  if (identity === undefined) {
    throw new Error(`${command.file} ended at once\n${logTail(command.logFile)}`);
  }
  return { identity, exited: () => child.exitCode !== null || child.signalCode !== null };
}

/**
 * Ends a process if it still is the one meant: first by `signal`, by SIGKILL after `graceMs`.
 * Resolves true when it was running.
 */
export async function endProcess(
  identity: ProcessIdentity,
  signal: NodeJS.Signals,
  graceMs: number,
): Promise<boolean> {
  if (!isRunning(identity)) return false;
  process.kill(identity.pid, signal);
  const deadline = Date.now() + graceMs;
  while (isRunning(identity)) {
    if (Date.now() >= deadline) {
      process.kill(identity.pid, 'SIGKILL');
      break;
    }
    await delay(POLL_MS);
  }
  while (isRunning(identity)) await delay(POLL_MS);
  return true;
}

/** The last lines of a log, for error messages; empty when there is no log. */
export function logTail(path: string, lines = LOG_TAIL_LINES): string {
  return (readOptional(path) ?? '').trimEnd().split('\n').slice(-lines).join('\n');
}

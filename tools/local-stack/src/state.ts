import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

import type { ProcessIdentity } from './processes.ts';

export const SERVER_NAMES = ['kafka', 'postgres', 'redis'] as const;
export type ServerName = (typeof SERVER_NAMES)[number];

/** What is remembered of one server: where it lives, and the process while `up` has one running. */
export interface ServerRecord {
  readonly process: ProcessIdentity | undefined;
  /** The client's port first; Kafka's controller port second. */
  readonly ports: readonly number[];
  readonly dataFolder: string | undefined;
  readonly logFile: string;
}

/** Contents of .local/stack.json. */
export type StackState = Readonly<Partial<Record<ServerName, ServerRecord>>>;

const FORMAT_VERSION = 1;
const PORT_MAX = 65_535;

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function readProcess(value: unknown): ProcessIdentity | undefined {
  if (!isObject(value)) return undefined;
  const { pid, startTicks, bootId } = value;
  if (!Number.isSafeInteger(pid) || (pid as number) <= 1) return undefined;
  if (!Number.isSafeInteger(startTicks) || typeof bootId !== 'string') return undefined;
  return { pid: pid as number, startTicks: startTicks as number, bootId };
}

function readRecord(value: unknown): ServerRecord | undefined {
  if (!isObject(value)) return undefined;
  const { ports, dataFolder, logFile } = value;
  if (!Array.isArray(ports) || ports.length === 0 || typeof logFile !== 'string') return undefined;
  const isPort = (port: unknown): boolean =>
    Number.isSafeInteger(port) && (port as number) > 0 && (port as number) <= PORT_MAX;
  if (!ports.every(isPort)) return undefined;
  return {
    process: readProcess(value['process']),
    ports: ports as number[],
    dataFolder: typeof dataFolder === 'string' ? dataFolder : undefined,
    logFile,
  };
}

/** Reads the state's JSON. Anything unreadable counts as "nothing is remembered", never as an error. */
export function parseState(text: string): StackState {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return {};
  }
  if (!isObject(json) || json['version'] !== FORMAT_VERSION || !isObject(json['servers']))
    return {};
  const state: Partial<Record<ServerName, ServerRecord>> = {};
  for (const name of SERVER_NAMES) {
    const record = readRecord(json['servers'][name]);
    if (record !== undefined) state[name] = record;
  }
  return state;
}

export function formatState(state: StackState): string {
  return `${JSON.stringify({ version: FORMAT_VERSION, servers: state }, null, 2)}\n`;
}

export function readState(path: string): StackState {
  try {
    return parseState(readFileSync(path, 'utf8'));
  } catch {
    return {};
  }
}

/** Replaces the file in one step, so that a reader never sees half of it. */
export function writeState(path: string, state: StackState): void {
  mkdirSync(dirname(path), { recursive: true });
  const temporary = `${path}.${process.pid}`;
  writeFileSync(temporary, formatState(state));
  renameSync(temporary, path);
}

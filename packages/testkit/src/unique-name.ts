import { createHash } from 'node:crypto';
import { hostname } from 'node:os';
import { testRun } from './env.ts';

let counter = 0;

const host = createHash('sha256').update(hostname()).digest('hex').slice(0, 6);

/** A name no other call makes: prefix, machine, process, start time, counter; lower case, `_` between. */
export function uniqueName(prefix: string): string {
  counter += 1;
  return `${prefix}_${host}_${process.pid}_${Date.now().toString(36)}_${counter}`;
}

/** A name that every process of this run of tests makes alike, and no other run: prefix, machine, the run, `what`. */
export function runName(prefix: string, what: string): string {
  return `${prefix}_${host}_${testRun()}_${what}`;
}

/** Whether a `uniqueName` or `runName` was made by a process or run of this machine that is over. */
export function isAbandoned(name: string, prefix: string): boolean {
  const [machine, pid] = name.slice(prefix.length + 1).split('_');
  if (!name.startsWith(`${prefix}_`) || machine !== host || !/^\d+$/.test(pid ?? '')) return false;
  try {
    process.kill(Number(pid), 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
}

import { createHash } from 'node:crypto';
import { hostname } from 'node:os';

let counter = 0;

const host = createHash('sha256').update(hostname()).digest('hex').slice(0, 6);

/** A name no other call makes: prefix, machine, process, start time, counter; lower case, `_` between. */
export function uniqueName(prefix: string): string {
  counter += 1;
  return `${prefix}_${host}_${process.pid}_${Date.now().toString(36)}_${counter}`;
}

/** Whether a `uniqueName` was made by a process of this machine that no longer runs. */
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

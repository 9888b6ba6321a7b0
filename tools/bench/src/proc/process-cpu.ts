import { readdirSync, readFileSync } from 'node:fs';
import { parsePeakRss, parseStat, type ProcessStat, TICKS_PER_SECOND } from './stat.ts';

/** A backend may end between two reads; then everything is read again. */
const READS_MAX = 10;

function readOptional(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

/** Null where there is no such process, or no /proc at all. */
export function readStat(pid: number): ProcessStat | null {
  return parseStat(readOptional(`/proc/${pid}/stat`));
}

/** The most memory a process ever held, in bytes. */
export function peakRssBytes(pid: number): number | null {
  return parsePeakRss(readOptional(`/proc/${pid}/status`));
}

/** CPU seconds of one process with all its threads. */
export function processCpuSeconds(pid: number): number | null {
  const stat = readStat(pid);
  return stat === null ? null : stat.ownTicks / TICKS_PER_SECOND;
}

/**
 * CPU seconds of a server that works in child processes: its own, its children's, and what children
 * that ended meanwhile had used, which the kernel hands to the parent that waited for them.
 */
export function treeCpuSeconds(pid: number): number | null {
  let seconds: number | null = null;
  for (let reads = 0; reads < READS_MAX; reads += 1) {
    const before = readStat(pid);
    if (before === null) return null;
    let ticks = before.ownTicks + before.waitedTicks;
    for (const child of childStats(pid)) ticks += child.ownTicks + child.waitedTicks;
    seconds = ticks / TICKS_PER_SECOND;
    if (readStat(pid)?.waitedTicks === before.waitedTicks) return seconds;
  }
  return seconds;
}

function childStats(parentPid: number): ProcessStat[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => readStat(Number(name)))
    .filter((stat): stat is ProcessStat => stat?.parentPid === parentPid);
}

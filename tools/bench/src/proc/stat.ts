/** What /proc/<pid>/stat says of a process's CPU; times in clock ticks. */
export interface ProcessStat {
  readonly name: string;
  readonly parentPid: number;
  /** User and system time of all its threads. */
  readonly ownTicks: number;
  /** The same of children that ended and were waited for, and of theirs. */
  readonly waitedTicks: number;
}

/** Clock ticks a second in /proc, the same on every Linux. */
export const TICKS_PER_SECOND = 100;

// Positions after the command's name, which may hold blanks and brackets (proc(5)).
const PARENT = 1;
const USER = 11;
const SYSTEM = 12;
const WAITED_USER = 13;
const WAITED_SYSTEM = 14;

/** Parses /proc/<pid>/stat; null where the text is none. */
export function parseStat(text: string): ProcessStat | null {
  const open = text.indexOf('(');
  const close = text.lastIndexOf(')');
  if (open < 0 || close < open) return null;
  const fields = text
    .slice(close + 2)
    .split(' ')
    .map(Number);
  const number = (index: number): number => fields[index] ?? Number.NaN;
  const stat = {
    name: text.slice(open + 1, close),
    parentPid: number(PARENT),
    ownTicks: number(USER) + number(SYSTEM),
    waitedTicks: number(WAITED_USER) + number(WAITED_SYSTEM),
  };
  const isComplete = [stat.parentPid, stat.ownTicks, stat.waitedTicks].every(Number.isSafeInteger);
  return isComplete ? stat : null;
}

/** The most memory a process ever held, in bytes, from /proc/<pid>/status; null where it is not told. */
export function parsePeakRss(status: string): number | null {
  const kibibytes = /^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1];
  return kibibytes === undefined ? null : Number(kibibytes) * 1024;
}

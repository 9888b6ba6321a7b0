import { readFileSync } from 'node:fs';

/** Clock ticks a second in /proc, the same on every Linux. */
const TICKS_PER_SECOND = 100;
const START_TICKS_FIELD = 19;
const DAY_SECONDS = 86_400;

/**
 * Seconds since a process began, by /proc: `./dev` hands its process over to Node, so this counts from
 * the user's command on. Undefined where the two files do not fit together (virtual uptimes).
 */
export function ageSeconds(stat: string, uptime: string): number | undefined {
  // The command's name (field 2) may hold blanks and brackets.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const startTicks = Number(fields[START_TICKS_FIELD] ?? Number.NaN);
  const age = Number.parseFloat(uptime) - startTicks / TICKS_PER_SECOND;
  return age >= 0 && age < DAY_SECONDS ? age : undefined;
}

/** Seconds since the command was started. */
export function commandSeconds(): number {
  const own = performance.now() / 1000;
  try {
    const age = ageSeconds(
      readFileSync('/proc/self/stat', 'utf8'),
      readFileSync('/proc/uptime', 'utf8'),
    );
    return Math.max(own, age ?? 0);
  } catch {
    return own;
  }
}

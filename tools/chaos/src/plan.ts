import { Rng } from '@adtally/event-simulator';
import type { Fault } from './fault.ts';

export interface PlannedFault {
  readonly name: string;
  /** Whom it happens to; empty where there is no choice. */
  readonly target: string;
  /** After the window's beginning. */
  readonly atSeconds: number;
  readonly forSeconds: number;
}

/** Faults that overlap. Between two windows everything is healed, and must recover. */
export type PlannedWindow = readonly PlannedFault[];

export interface PlanOptions {
  readonly seed: number;
  /** How long all windows take, with what is reckoned for recovering. */
  readonly seconds: number;
}

/** Apart from the streams of the simulator. */
const STREAM = 9_001;
const AT_ONCE_MIN = 3;
const AT_ONCE_MAX = 6;
/** Within so much all faults of a window begin: so that they overlap. */
const BEGIN_SECONDS = 4;
const RECOVERY_SECONDS = 8;
/** A short run would have no time for long faults. */
const SHORT_SECONDS = 300;
const SHORT_SHARE = 0.25;

/**
 * Which faults there will be, when, for how long: the same for the same seed and length. Those that have not been for
 * longest come first, as far as they can be there together; what is left of a window is filled by chance.
 */
export function planOf(faults: readonly Fault[], { seed, seconds }: PlanOptions): PlannedWindow[] {
  const rng = new Rng(seed, STREAM);
  const share = seconds < SHORT_SECONDS ? SHORT_SHARE : 1;
  const windows: PlannedWindow[] = [];
  const times = new Map<string, number>();
  const may = ({ name, most = Infinity }: Fault) => (times.get(name) ?? 0) < most;
  let due: Fault[] = [];
  for (let left = seconds; left > 0; left -= secondsOf(windows.at(-1) ?? []) + RECOVERY_SECONDS) {
    if (due.length === 0) due = shuffled(faults, rng);
    const atOnce = AT_ONCE_MIN + rng.below(AT_ONCE_MAX - AT_ONCE_MIN + 1);
    const chosen = together([...due, ...shuffled(faults, rng)].filter(may), atOnce, rng);
    const names = chosen.map(({ fault: { name } }) => name);
    for (const name of names) times.set(name, (times.get(name) ?? 0) + 1);
    due = due.filter((fault) => !names.includes(fault.name) && may(fault));
    windows.push(chosen.map(({ fault, target }) => timed(fault, target, share, rng)));
  }
  return windows;
}

interface Chosen {
  readonly fault: Fault;
  readonly target: string;
}

/** The first ones, so many at most, of which none takes or hinders what another needs. */
function together(candidates: readonly Fault[], atOnce: number, rng: Rng): Chosen[] {
  const chosen: Chosen[] = [];
  const taken = new Set<string>();
  for (const fault of candidates) {
    if (chosen.length === atOnce) break;
    const target = targetOf(fault, taken, rng);
    const there = chosen.map((one) => one.fault);
    if (target === undefined || there.includes(fault) || !fits(fault, there, taken)) continue;
    chosen.push({ fault, target });
    for (const part of [...fault.takes, target]) taken.add(part);
  }
  return chosen;
}

function timed({ name, seconds }: Fault, target: string, share: number, rng: Rng): PlannedFault {
  const [least, most] = seconds;
  const forSeconds = rounded(least + (most - least) * share * rng.unit());
  return { name, target, atSeconds: rounded(BEGIN_SECONDS * rng.unit()), forSeconds };
}

/** How long a window lasts if everything happens in time. */
export function secondsOf(window: PlannedWindow): number {
  return Math.max(...window.map(({ atSeconds, forSeconds }) => atSeconds + forSeconds));
}

function fits(fault: Fault, there: readonly Fault[], taken: ReadonlySet<string>): boolean {
  if (fault.takes.some((part) => taken.has(part))) return false;
  if (fault.needsFlow === true && there.some(({ stopsFlow }) => stopsFlow === true)) return false;
  return fault.stopsFlow !== true || !there.some(({ needsFlow }) => needsFlow === true);
}

/** Undefined where all that it could happen to is taken. */
function targetOf({ targets }: Fault, taken: ReadonlySet<string>, rng: Rng): string | undefined {
  if (targets === undefined) return '';
  const free = targets.filter((one) => !taken.has(one));
  return free.length === 0 ? undefined : rng.pick(free);
}

function shuffled<T>(items: readonly T[], rng: Rng): T[] {
  const mixed = [...items];
  for (let last = mixed.length - 1; last > 0; last -= 1) {
    const other = rng.below(last + 1);
    [mixed[last], mixed[other]] = [mixed[other] as T, mixed[last] as T];
  }
  return mixed;
}

function rounded(seconds: number): number {
  return Math.round(seconds * 10) / 10;
}

import { median, rounded } from '../stats.ts';

/** What the median of a figure must reach. */
export type Goal = { readonly atLeast: number } | { readonly atMost: number };

/** What one figure of a line is; its goal is null where it only explains others. */
export interface FigureSpec {
  /** e.g. `events/s`; `x` = times what it is compared with. */
  readonly unit: string;
  readonly goal: Goal | null;
  readonly digits: number;
  readonly means: string;
}

/** One row of the table, as `--json` prints it. */
export interface Figure {
  /** `line.figure` */
  readonly name: string;
  readonly means: string;
  readonly unit: string;
  /** e.g. `>= 1.6` */
  readonly goal: string | null;
  /** The median; null where it was not measured. */
  readonly measured: number | null;
  /** Null without a goal, or where nothing was measured. False for every figure of a line that was not exact. */
  readonly met: boolean | null;
  /** Least and greatest of the runs. */
  readonly spread: readonly [number, number] | null;
  readonly runs: number;
}

/** A figure with a goal. */
export function goal(reach: Goal, unit: string, means: string, digits = 2): FigureSpec {
  return { unit, goal: reach, digits, means };
}

/** A figure that explains others. */
export function info(unit: string, means: string, digits = 0): FigureSpec {
  return { unit, goal: null, digits, means };
}

/** Puts the runs of one figure together; values that could not be measured (null) are left out. */
export function figureOf(
  name: string,
  spec: FigureSpec,
  runs: readonly (number | null)[],
  isExact: boolean,
): Figure {
  const values = runs.filter((value) => value !== null);
  const { unit, means, digits } = spec;
  const rounds = (value: number): number => rounded(value, digits);
  const measured = values.length === 0 ? null : rounds(median(values));
  return {
    name,
    means,
    unit,
    goal: spec.goal === null ? null : goalText(spec.goal),
    measured,
    met: metOf(spec.goal, measured, isExact),
    spread: values.length === 0 ? null : [rounds(Math.min(...values)), rounds(Math.max(...values))],
    runs: values.length,
  };
}

function metOf(reach: Goal | null, measured: number | null, isExact: boolean): boolean | null {
  if (!isExact) return false;
  if (reach === null || measured === null) return null;
  return 'atLeast' in reach ? measured >= reach.atLeast : measured <= reach.atMost;
}

function goalText(reach: Goal): string {
  return 'atLeast' in reach ? `>= ${reach.atLeast}` : `<= ${reach.atMost}`;
}

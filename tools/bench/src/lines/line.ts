import type { Bench } from './bench.ts';
import { type Figure, type FigureSpec, figureOf } from '../table/figure.ts';

/** What the runs of a line gave, by figure (none of one that was not asked for), and why it was not exact (empty where it was). */
export interface Measured<Name extends string> {
  readonly runs: Readonly<Partial<Record<Name, readonly (number | null)[]>>>;
  readonly problems: readonly string[];
}

/** One line of the bench: figures, and how they are measured. */
export interface Line {
  readonly figures: Readonly<Record<string, FigureSpec>>;
  readonly measure: (bench: Bench) => Promise<Measured<string>>;
}

/** Declares a line: `measure` gives the runs of exactly the declared figures. */
export function line<const Name extends string>(declared: {
  readonly figures: Readonly<Record<Name, FigureSpec>>;
  readonly measure: (bench: Bench) => Promise<Measured<Name>>;
}): Line {
  return declared;
}

/** A line's result. */
export interface LineResult {
  readonly line: string;
  readonly seconds: number;
  readonly figures: readonly Figure[];
  readonly problems: readonly string[];
}

/** Measures one line. A fast wrong run is a failed run: then no figure is met. */
export async function runLine(name: string, declared: Line, bench: Bench): Promise<LineResult> {
  const startedMs = performance.now();
  const { runs, problems } = await declared.measure(bench);
  const figures = Object.entries(declared.figures).flatMap(([figure, spec]) => {
    const taken = runs[figure];
    if (taken === undefined) return [];
    return [figureOf(`${name}.${figure}`, spec, taken, problems.length === 0)];
  });
  const seconds = Math.round((performance.now() - startedMs) / 1000);
  return { line: name, seconds, figures, problems };
}

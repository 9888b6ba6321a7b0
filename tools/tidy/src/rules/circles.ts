import { moduleGraph, type ModuleGraph } from '../module-graph.ts';
import type { Rule } from '../rule.ts';

/**
 * Files that use one another in a circle can only be understood together. An import of a type alone counts: it
 * binds them as much.
 */
export const noCircles: Rule = {
  name: 'no-circles',
  check: (tree) =>
    circlesOf(moduleGraph(tree)).map(([path = '', ...others]) => ({
      path,
      line: undefined,
      message: `uses itself by way of ${others.join(', ')}`,
    })),
};

/** The sets of files each of which reaches every other of its set (Tarjan's strongly connected components). */
function circlesOf({ uses }: ModuleGraph): string[][] {
  const circles: string[][] = [];
  const cameTo = new Map<string, number>();
  /** Files whose circle is not known yet. */
  const open: string[] = [];
  /** Returns the earliest open file that is reached, as a number of `cameTo`. */
  const visit = (path: string): number => {
    const own = cameTo.size;
    cameTo.set(path, own);
    open.push(path);
    let earliest = own;
    for (const used of uses.get(path) ?? []) {
      const known = cameTo.get(used);
      if (known === undefined) earliest = Math.min(earliest, visit(used));
      else if (open.includes(used)) earliest = Math.min(earliest, known);
    }
    if (earliest === own) {
      const circle = open.splice(open.indexOf(path));
      if (circle.length > 1) circles.push(circle.toSorted());
    }
    return earliest;
  };
  for (const path of uses.keys()) {
    if (!cameTo.has(path)) visit(path);
  }
  return circles;
}

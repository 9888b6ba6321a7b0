import type { World } from '@adtally/breaking-run';

/** Services that ended by themselves: none should, since they wait for what is away, at their start as well. */
export function unwantedExits(fleet: World['fleet']): string[] {
  return fleet.all.flatMap(({ label, exits }) =>
    exits.map((exit) => `${label} ended by itself: ${exit}`),
  );
}

import type { World } from '@adtally/breaking-run';

/**
 * Services that ended by themselves and should not have: what has worked once waits. One that was started again into a
 * broken world may end before it ever worked; its platform starts it once more.
 */
export function unwantedExits(fleet: World['fleet']): string[] {
  return fleet.all.flatMap(({ label, exits }) =>
    exits.map((exit) => `${label} ended by itself: ${exit}`),
  );
}

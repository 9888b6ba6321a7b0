/** Places that no stage is sure to pass, and why. */
export interface Unreached {
  readonly why: string;
  /** Passed on some runs: a matter of time, such as a server that happens to answer late. */
  readonly sometimes?: true;
  readonly places: readonly string[];
}

/** Places of one module. */
export function of(module: string, places: readonly string[]): string[] {
  return places.map((place) => `${module} ${place}`);
}

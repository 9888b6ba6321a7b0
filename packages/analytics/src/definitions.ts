import type { DatabaseExecutor } from '@adtally/db';
import { ALL_ROLLUPS, isRollup, type Rollup } from './rollups.ts';

/**
 * How a version attributes.
 * - `last_click`: a function of the set of one impression's events, ordered by (`occurred_at`, type, key)
 * - `arrival_order`: an exhibit, wrong on purpose: it takes the order of arrival for the order of events,
 *   as the first analytics of this pipeline did, though partitions share no order
 */
export const ALGORITHMS = ['last_click', 'arrival_order'] as const;
export type Algorithm = (typeof ALGORITHMS)[number];

/** What a version of the rollups means; never changes once a database knows it. */
export interface RollupDefinition {
  readonly version: number;
  readonly algorithm: Algorithm;
  /** A click earns a conversion at most so much later, inclusive. */
  readonly windowMs: number;
  /** How far an event may lie before its impression before it is an invalid order. */
  readonly toleranceMs: number;
  /** The rollups it keeps, in the order of their declarations. */
  readonly rollups: readonly Rollup[];
}

const DAY_MS = 86_400_000;
const DEFAULT_WINDOW_MS = 7 * DAY_MS;
/** Producers' clocks differ; a click "before" its impression by less is believed. */
const DEFAULT_TOLERANCE_MS = 60_000;

/** Version 1: kept to be compared with. */
export const NAIVE_DEFINITION: RollupDefinition = {
  version: 1,
  algorithm: 'arrival_order',
  windowMs: DEFAULT_WINDOW_MS,
  toleranceMs: DEFAULT_TOLERANCE_MS,
  rollups: ALL_ROLLUPS,
};

/** What a database without any version gets. */
export const DEFAULT_DEFINITION: RollupDefinition = {
  version: 2,
  algorithm: 'last_click',
  windowMs: DEFAULT_WINDOW_MS,
  toleranceMs: DEFAULT_TOLERANCE_MS,
  rollups: ALL_ROLLUPS,
};

/**
 * The versions a database knows, in order. Throws where one was made by an algorithm, or keeps a rollup, that
 * this build lacks: it would leave out of that version what others count.
 */
export async function readDefinitions(db: DatabaseExecutor): Promise<RollupDefinition[]> {
  const rows = await db
    .selectFrom('rollup_versions')
    .select(['version', 'algorithm', 'window_ms', 'tolerance_ms', 'rollups'])
    .orderBy('version')
    .execute();
  return rows.map(({ version, algorithm, window_ms, tolerance_ms, rollups }) => {
    const known = ALGORITHMS.find((candidate) => candidate === algorithm);
    if (known === undefined) {
      throw new Error(`version ${version} is made by "${algorithm}", which this build lacks`);
    }
    const unknown = rollups.find((name) => !isRollup(name));
    if (unknown !== undefined) {
      throw new Error(`version ${version} keeps a rollup "${unknown}", which this build lacks`);
    }
    return {
      version,
      algorithm: known,
      windowMs: Number(window_ms),
      toleranceMs: Number(tolerance_ms),
      rollups: ALL_ROLLUPS.filter((rollup) => rollups.includes(rollup)),
    };
  });
}

import type { DatabaseExecutor } from '@adtally/db';
import { readDefinitions } from './definitions.ts';
import { ALL_ROLLUPS, type Rollup } from './rollups.ts';
import { readPromotion } from './versions.ts';

/** A rollup this build declares that is not in the version readers see. */
export interface RollupNeed {
  readonly rollup: Rollup;
  /** The newest version that keeps it; null where none does yet. */
  readonly keptBy: number | null;
  /** The version to run a backfill of and to promote. */
  readonly version: number;
}

/**
 * The rollups that were declared after the version readers see was made, in the order of their declarations.
 * None where no version is known: the first one keeps every rollup.
 */
export async function readRollupNeeds(db: DatabaseExecutor): Promise<RollupNeed[]> {
  const definitions = await readDefinitions(db);
  const newest = definitions.at(-1);
  if (newest === undefined) return [];
  const promotion = await readPromotion(db);
  const shown = definitions.find(({ version }) => version === promotion?.version) ?? newest;
  return ALL_ROLLUPS.filter((rollup) => !shown.rollups.includes(rollup)).map((rollup) => {
    const keeping = definitions.findLast(({ rollups }) => rollups.includes(rollup));
    const keptBy = keeping?.version ?? null;
    return { rollup, keptBy, version: keptBy ?? newest.version + 1 };
  });
}

/** One sentence for people: what is missing, and what to do. */
export function rollupNeedText({ rollup, keptBy, version }: RollupNeed): string {
  const then = `then promote --version ${version}`;
  return keptBy === null
    ? `rollup "${rollup}" is newer than every version here and is empty: it needs a backfill, backfill-runner run --version ${version}, ${then}`
    : `rollup "${rollup}" is in version ${version}, which readers do not see yet: it needs its backfill done, ${then}`;
}

import { type Database, readWriteGuards } from '@adtally/db';
import { applyLate } from './apply-late.ts';
import { claimToFrontier } from './bases.ts';
import { readDefinitions } from './definitions.ts';
import { raiseFrontier, settledMs } from './frontier.ts';
import { takeNextBase } from './take-base.ts';

export interface KeepOptions {
  /** How long after its end a cohort is summed up, by the database's clock. */
  readonly settleMs: number;
  /** Most late impressions applied in one transaction. */
  readonly maxImpressions: number;
  /** Most rows in one base, as far as whole cohorts allow. */
  readonly baseRows: number;
  /** Leaves the frontier where it is: while ingest is behind, every event would count as late. */
  readonly holdsFrontier: boolean;
}

/** What one turn did. */
export interface KeptTurn {
  readonly bases: number;
  /** Events in those bases. */
  readonly events: number;
  readonly lateImpressions: number;
  readonly spoiledBases: number;
  /** True where another turn would find more to do at once. */
  readonly hasMore: boolean;
}

const BASES_PER_TURN = 20;

/**
 * One turn of the worker: moves the frontier, claims and takes some bases of every version, applies some
 * late impressions. Every step is a transaction of its own that leaves a sound state behind, so that a
 * turn may end anywhere, also by a kill, and several processes may take turns at once.
 */
export async function keepRollups(
  db: Database,
  options: KeepOptions,
  signal: AbortSignal,
): Promise<KeptTurn> {
  const frontierMs = options.holdsFrontier
    ? (await readWriteGuards(db)).frontierMs
    : await raiseFrontier(db, await settledMs(db, options.settleMs));
  let bases = 0;
  let events = 0n;
  if (frontierMs > 0) {
    for (const definition of await readDefinitions(db)) {
      await claimToFrontier(db, definition.version, frontierMs, {
        maxBases: BASES_PER_TURN,
        baseRows: options.baseRows,
      });
      for (let taken = 0; taken < BASES_PER_TURN && !signal.aborted; taken += 1) {
        const base = await takeNextBase(db, definition, 'untaken');
        if (base === null) break;
        bases += 1;
        events += base.events;
      }
    }
  }
  const applied = await applyLate(db, options);
  return {
    bases,
    events: Number(events),
    lateImpressions: applied.impressions,
    spoiledBases: applied.spoiled,
    hasMore: bases >= BASES_PER_TURN || applied.impressions >= options.maxImpressions,
  };
}

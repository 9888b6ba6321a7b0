import * as fc from 'fast-check';
import type { AdEvent } from '@adtally/event-schema';
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { COHORT_MS, COUNTS, DEFAULT_DEFINITION, takeNextBase } from '../src/index.ts';
import { anyEvent, START_MS } from './events.ts';
import { referenceTotals } from './reference.ts';
import { World, type Writer } from './world.ts';

let world: World;
let writers: Writer[];
beforeAll(async () => {
  world = await World.create();
  writers = [await world.writer(), await world.writer()];
});
afterAll(() => world.close());

const RUNS = 30;
const END_MS = START_MS + 6 * COHORT_MS;

type Step =
  | { readonly do: 'commit'; readonly writer: number; readonly events: readonly AdEvent[] }
  /** The frontier moves, and perhaps bases are taken, while the batch waits to commit. */
  | {
      readonly do: 'commit in flight';
      readonly writer: number;
      readonly events: readonly AdEvent[];
      readonly toSlice: number;
      readonly takesBases: boolean;
    }
  | { readonly do: 'settle'; readonly toSlice: number }
  | { readonly do: 'take' }
  | { readonly do: 'take again' }
  | { readonly do: 'fold'; readonly toSlice: number }
  | { readonly do: 'apply' };

const someEvents = fc.array(anyEvent, { minLength: 1, maxLength: 5 });
const anyStep: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constant('commit' as const), writer: fc.nat(1), events: someEvents }),
  fc.record({ do: fc.constant('commit' as const), writer: fc.nat(1), events: someEvents }),
  fc.record({
    do: fc.constant('commit in flight' as const),
    writer: fc.nat(1),
    events: someEvents,
    toSlice: fc.nat(5),
    takesBases: fc.boolean(),
  }),
  fc.record({ do: fc.constant('settle' as const), toSlice: fc.nat(5) }),
  fc.record({ do: fc.constant('fold' as const), toSlice: fc.integer({ min: 2, max: 6 }) }),
  fc.record({ do: fc.constantFrom('take' as const, 'take again' as const, 'apply' as const) }),
);

/** That the interesting things happened at all, over all runs. */
const seen = { noted: 0, applied: 0, taken: 0, retaken: 0, folded: 0, marked: 0, madeToNote: 0 };

async function take(step: Step): Promise<void> {
  switch (step.do) {
    case 'commit':
      return await writers[step.writer]?.commit(step.events);
    case 'commit in flight':
      return await commitInFlight(step);
    case 'settle':
      return await world.settle(START_MS + step.toSlice * COHORT_MS);
    case 'take':
      seen.taken += await world.takeBases();
      return;
    case 'take again':
      await sql`UPDATE rollup_bases SET taken_at = NULL, seen_sources = NULL, seen_offsets = NULL
        WHERE first_cohort % 2 = 0`.execute(world.db);
      while ((await takeNextBase(world.db, DEFAULT_DEFINITION, 'untaken')) !== null)
        seen.retaken += 1;
      return;
    case 'fold':
      seen.folded += await world.fold(START_MS + step.toSlice * COHORT_MS);
      return;
    case 'apply':
      seen.applied += await world.applyNotes();
  }
}

async function commitInFlight(step: Extract<Step, { do: 'commit in flight' }>): Promise<void> {
  const writer = writers[step.writer] as Writer;
  let tries = 0;
  const inBetween = async () => {
    tries += 1;
    await world.settle(START_MS + step.toSlice * COHORT_MS);
    if (step.takesBases) seen.taken += await world.takeBases();
  };
  const offset = writer.nextOffset;
  await writer.try(step.events, inBetween).catch(async (error: { failure?: { kind: string } }) => {
    expect(error.failure?.kind).toBe('frontier_moved');
    seen.madeToNote += 1;
    expect(writer.nextOffset).toBe(offset);
    await writer.try(step.events);
  });
  expect(tries).toBe(1);
}

it('I11: after any interleaving of commits, frontier, bases, notes and folds the rollups are those of a full recompute', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(anyStep, { minLength: 6, maxLength: 24 }), async (steps) => {
      await world.clear();
      for (const step of steps) await take(step);
      seen.noted += await world.count('late_notes');
      // In the middle of it the audit holds too.
      expect(await world.rollupOffences()).toEqual([]);
      await world.settle(END_MS);
      await world.takeBases();
      await world.applyNotes();
      await world.fold(END_MS);
      expect(await world.rollupOffences()).toEqual([]);
      expect(await world.count('rollup_bases WHERE folded_at IS NULL AND first_cohort >= 0')).toBe(
        0,
      );
      const all = steps.flatMap((step) => ('events' in step ? step.events : []));
      // Copies with another payload are conflicts: the first committed stays.
      expect(await world.totals(DEFAULT_DEFINITION.version)).toEqual(
        referenceTotals(all, DEFAULT_DEFINITION),
      );
      expect(await world.count('late_notes')).toBe(0);
      expect(await emptyRows()).toBe(0);
      expect(await differentInView()).toBe(0);
      seen.marked += await world.count('rollup_days_by_creative');
    }),
    { numRuns: RUNS },
  );
  expect(Object.entries(seen).filter(([, times]) => times === 0)).toEqual([]);
}, 300_000);

/** No row means zero: rows that came to nothing are gone, as after a recompute. */
function emptyRows(): Promise<number> {
  return world.count(
    `rollup_by_creative WHERE ${COUNTS.map((name) => `${name} = 0`).join(' AND ')}`,
  );
}

/** Rows in which a view that people read, of days, is not what the rows by hour come to. */
function differentInView(): Promise<number> {
  const sums = ['impressions', 'clicks', 'click_conversions + view_conversions', 'spend_micros'];
  const view = `SELECT day, campaign_id, creative_id, currency, impressions, clicks, conversions, spend_micros
    FROM report_creative_daily`;
  const hours = `SELECT (hour AT TIME ZONE 'UTC')::date, campaign_id, creative_id, currency,
      ${sums.map((sum) => `sum(${sum})`).join(', ')}
    FROM rollup_by_creative GROUP BY 1, 2, 3, 4`;
  return world.count(
    `((${view} EXCEPT ALL ${hours}) UNION ALL (${hours} EXCEPT ALL ${view})) different`,
  );
}

import * as fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { COUNTS, DEFAULT_DEFINITION } from '../src/index.ts';
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

const RUNS = 35;
const LATER_MS = START_MS + 3_600_000;

it('I11: any permutation, duplication and batch cut of a set of events gives the rollups of plain code', async () => {
  const met = new Set<string>();
  await fc.assert(
    fc.asyncProperty(
      fc
        .uniqueArray(anyEvent, { minLength: 8, maxLength: 30, selector: identity })
        .chain((events) =>
          fc.tuple(
            fc.constant(events),
            fc.shuffledSubarray([...events, ...events], { minLength: events.length }),
          ),
        ),
      fc.array(fc.nat(6), { minLength: 3, maxLength: 12 }),
      async (events, cuts) => {
        const [set, shuffled] = events;
        await world.clear();
        const sent = [...shuffled, ...set];
        for (let start = 0, batch = 0; start < sent.length; batch += 1) {
          const end = start + 1 + (cuts[batch % cuts.length] ?? 0);
          await writers[batch % 2]?.commit(sent.slice(start, end));
          start = end;
        }
        await world.settle(LATER_MS);
        await world.takeBases();
        const expected = referenceTotals(set, DEFAULT_DEFINITION);
        expect(await world.totals(DEFAULT_DEFINITION.version)).toEqual(expected);
        for (const row of expected.campaign.values()) Object.keys(row).map((name) => met.add(name));
      },
    ),
    { numRuns: RUNS },
  );
  // The sets were rich enough to meet every kind of event.
  expect(COUNTS.filter((name) => !met.has(name))).toEqual([]);
});

function identity(one: { event_type: string; impression_id: string }): string {
  const { click_id, conversion_id } = one as { click_id?: string; conversion_id?: string };
  return [one.event_type, one.impression_id, click_id, conversion_id].join(' ');
}

import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { PACKAGES, readHowTo, type Step, WorkspaceCopy } from './support/how-to.ts';

// docs/how-to-add-an-event-type.md, done to a copy of this repository.
const STEPS = readHowTo('how-to-add-an-event-type.md');
const [DECLARE, IDENTITY, COUNTING, MIGRATION] = STEPS as [Step, Step, Step, Step];

/** What a fourth type must come to, by hand; the properties of the copy compare it with plain code. */
const COUNTED = `
import { afterAll, beforeAll, expect, it } from 'vitest';
import { event, idAt, START_MS } from './events.ts';
import { World, type Writer } from './world.ts';

let world: World;
let writer: Writer;
beforeAll(async () => {
  world = await World.create();
  writer = await world.writer();
});
afterAll(() => world.close());

it('engagements of one impression are many, copies of one are one, and all are counted', async () => {
  const id = idAt(START_MS, 1);
  const engagement = (n: number) => event({ id, type: 'engagement', n, atMs: 1_000, amount: 7n });
  await writer.commit([event({ id, type: 'impression', atMs: 0, amount: 100n })]);
  await writer.commit([engagement(1), engagement(2), engagement(1)]);
  await world.settle(START_MS + 60_000);
  await world.takeBases();
  await writer.commit([engagement(3)]);
  await world.applyNotes();
  expect(await world.count("events WHERE event_type = 'engagement'")).toBe(3);
  const totals = await world.totals(2);
  for (const rollup of Object.values(totals))
    expect([...rollup.values()]).toEqual([
      { impressions: '1', engagements: '3', spend_micros: '121' },
    ]);
  expect(await world.rollupOffences()).toEqual([]);
});
`;

/** The tests that must pass with a fourth type as they do with three. */
const TESTS = [
  'packages/key-derivation/src',
  'packages/event-schema/src',
  'packages/db/test/schema',
  'packages/db/test/write-batch',
  'packages/dedup/src',
  'packages/analytics/test/engagements',
  'packages/analytics/test/attribution.property',
  'packages/analytics/test/incremental.property',
];

let copy: WorkspaceCopy;
beforeAll(() => {
  copy = new WorkspaceCopy();
});
afterAll(() => copy.remove());

/** Where event types are decided about. All other packages are looked at in the end. */
const DECIDING = [
  'packages/event-schema',
  'packages/dedup',
  'packages/db',
  'packages/analytics',
  'tools/event-simulator',
];
const IDENTITY_PLACES = [
  'packages/dedup/src/bucket-groups.ts',
  'packages/key-derivation/src/own-id.ts',
];
const COUNTING_PLACES = [
  'packages/analytics/src/measures.ts',
  'packages/analytics/test/events.ts',
  'packages/analytics/test/reference.ts',
  'tools/event-simulator/src/event.ts',
];

it('an event type compiles once every place the how-to names has decided, and is counted right', async () => {
  const [declaration, ...plainObjects] = DECLARE.blocks;
  if (declaration === undefined) throw new Error('the how-to declares nothing');
  copy.apply({ ...DECLARE, blocks: [declaration] });
  expect(await copy.filesWithTypeErrors(['packages/event-schema'])).toEqual([
    'packages/event-schema/src/event.ts',
    'packages/event-schema/test/arbitraries.ts',
  ]);
  copy.apply({ ...DECLARE, blocks: plainObjects });
  expect(await copy.filesWithTypeErrors(DECIDING)).toEqual(
    [...IDENTITY_PLACES, ...COUNTING_PLACES].toSorted(),
  );
  copy.apply(IDENTITY);
  expect(await copy.filesWithTypeErrors(DECIDING)).toEqual(COUNTING_PLACES);
  copy.apply(COUNTING);
  // Decided, but the table lacks the columns.
  expect(await copy.filesWithTypeErrors(DECIDING)).toEqual(['packages/analytics/src/measures.ts']);
  copy.apply(MIGRATION);
  expect(await copy.filesWithTypeErrors(PACKAGES)).toEqual([]);

  // Step 5.
  const schema = join(copy.folder, 'packages/event-schema');
  execFileSync(process.execPath, ['scripts/write-schema.ts'], { cwd: schema });

  copy.write('packages/analytics/test/engagements.integration.test.ts', COUNTED);
  await copy.test(TESTS);
}, 600_000);

import { emptyDatabase, type TestDatabase } from '@adtally/testkit';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { PACKAGES, readHowTo, type Step, WorkspaceCopy } from './support/how-to.ts';

// docs/how-to-add-a-rollup.md, done to a copy of this repository, on a database with history.
const [FIELD, DECLARE, MIGRATION] = readHowTo('how-to-add-a-rollup.md') as [Step, Step, Step];

const SHARED = `
import { readCampaignTotals } from '../src/index.ts';
import { event, idAt, START_MS } from './events.ts';
import { World } from './world.ts';
import { expect, it } from 'vitest';

const url = process.env['HOW_TO_DATABASE'] ?? '';
const seen = (n: number, more = {}) =>
  event({ id: idAt(START_MS + n, n), type: 'impression', atMs: n, amount: 10n, ...more });
const clicked = (n: number, more = {}) =>
  event({ id: idAt(START_MS + n, n), type: 'click', atMs: 1_000 + n, amount: 7n, ...more });
const sold = (n: number) =>
  event({ id: idAt(START_MS + n, n), type: 'conversion', atMs: 2_000 + n, amount: 500n });
`;

/** What is there before anybody thinks of a rollup by device. */
const HISTORY = `${SHARED}
it('has history', async () => {
  const world = World.at(url);
  const writer = await world.writer();
  await writer.commit([seen(1), clicked(1), seen(2)]);
  await world.settle(START_MS + 30_000);
  await world.takeBases();
  expect(await readCampaignTotals(world.db)).toMatchObject([{ impressions: 2, clicks: 1 }]);
  await world.close();
});
`;

/** The new build at work while readers still see the old version: later cohorts, and events that come late. */
const MEANWHILE = `${SHARED}
it('goes on as before', async () => {
  const world = World.at(url);
  await world.writer();
  const writer = await world.writer();
  const shown = { device: 'phone' };
  await writer.commit([seen(40_000, shown), clicked(40_000, { device: 'tv' }), sold(40_000)]);
  await world.settle(START_MS + 90_000);
  await world.takeBases();
  await writer.commit([clicked(2, shown), sold(1)]);
  expect(await world.applyNotes()).toBeGreaterThan(0);
  expect(await world.count('rollup_by_device')).toBe(0);
  expect(await world.rollupOffences()).toEqual([]);
  await world.close();
});
`;

const FILLED = `${SHARED}
import { sql } from 'kysely';

it('tells devices apart, and a conversion is credited to the device of its click', async () => {
  const world = World.at(url);
  const { rows } = await sql\`
    SELECT device_type, impressions::int, clicks::int, conversions::int, value_micros::int
    FROM report_device_daily ORDER BY device_type\`.execute(world.db);
  expect(rows).toEqual([
    { device_type: '', impressions: 2, clicks: 1, conversions: 1, value_micros: 500 },
    { device_type: 'phone', impressions: 1, clicks: 1, conversions: 0, value_micros: 0 },
    { device_type: 'tv', impressions: 0, clicks: 1, conversions: 1, value_micros: 500 },
  ]);
  expect(await world.rollupOffences()).toEqual([]);
  await world.close();
});
`;

/** The tests that must pass with a fourth rollup as they do with three. */
const TESTS = [
  'packages/event-schema/test',
  'packages/db/test/schema',
  'packages/analytics/test/attribution.property',
  'packages/analytics/test/incremental.property',
];
const RUNNER = 'apps/backfill-runner/src/main.ts';
const WHY = ['--execute', '--actor', 'tester', '--reason', 'a rollup by device'];

let copy: WorkspaceCopy;
let database: TestDatabase;
beforeAll(async () => {
  copy = new WorkspaceCopy();
  database = await emptyDatabase();
});
afterAll(async () => {
  copy.remove();
  await database.drop();
});

async function runPhase(name: string, text: string): Promise<void> {
  const path = `packages/analytics/test/how-to-${name}.integration.test.ts`;
  copy.write(path, text);
  await copy.test([path], { HOW_TO_DATABASE: database.url });
  copy.write(path, 'export {};\n');
}

async function json(main: string, args: readonly string[]): Promise<Record<string, unknown>> {
  const env = { DATABASE_URL: database.url };
  return JSON.parse(await copy.program(main, [...args, '--json'], env)) as Record<string, unknown>;
}

/** Whether everything balances, and what the audit notes. */
async function audited(): Promise<unknown[]> {
  const report = await json('apps/ops/src/main.ts', ['audit', '--full']);
  const checks = report['checks'] as { notes?: string[] }[];
  return [report['balanced'], checks.flatMap(({ notes }) => notes ?? [])];
}

it('a rollup is a line and a table; on a database with history it says that it needs a backfill', async () => {
  const migrate = async () =>
    await copy.program('packages/db/src/cli.ts', ['migrate'], { DATABASE_URL: database.url });
  await migrate();
  await runPhase('history', HISTORY);

  copy.apply(FIELD);
  copy.apply(DECLARE);
  // There is no such table yet.
  expect(await copy.filesWithTypeErrors(['packages/analytics'])).toEqual([
    'packages/analytics/src/rollups.ts',
  ]);
  copy.apply(MIGRATION);
  expect(await copy.filesWithTypeErrors(PACKAGES)).toEqual([]);

  await migrate();
  const need = expect.stringMatching(
    /^rollup "device" .* it needs a backfill, backfill-runner run --version 3, then promote --version 3$/,
  );
  expect(await audited()).toEqual([true, [need]]);
  expect((await json(RUNNER, ['status']))['needs']).toEqual([
    { rollup: 'device', kept_by: null, version: 3, text: need },
  ]);
  await runPhase('meanwhile', MEANWHILE);

  await json(RUNNER, ['run', '--version', '3', ...WHY]);
  await json(RUNNER, ['promote', '--version', '3', ...WHY]);
  expect((await json(RUNNER, ['status']))['needs']).toEqual([]);
  expect(await audited()).toEqual([true, []]);
  expect((await json(RUNNER, ['compare', '2', '3']))['differences']).toEqual([]);
  await runPhase('filled', FILLED);
  await copy.test(TESTS);
}, 600_000);

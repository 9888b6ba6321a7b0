import {
  claimToFrontier,
  raiseFrontier,
  readDefinitions,
  takeNextBase,
  wholeAudit,
} from '@adtally/analytics';
import { sql } from 'kysely';
import { expect, test, vi } from 'vitest';
import { keepHere, stage, type Stage } from './support/stage.ts';

// Several processes a test, on a machine that may be busy with others.
vi.setConfig({ testTimeout: 240_000 });

const WHY = ['--execute', '--reason', 'test', '--json'] as const;
const RETENTION = { EVENTS_RETENTION_DAYS: '30' };
const IMPRESSIONS = 600;

/** The stage's events as counted: a ledger row of all of them. */
async function count({ db }: Stage): Promise<void> {
  await sql`
    WITH stored AS (
      SELECT count(*) AS n, bit_xor(('x' || encode(substr(uuid_send(event_key), 1, 8), 'hex'))::bit(64)::bigint) AS xor
      FROM events
    ), told AS (
      UPDATE ledger SET first_offset = 0, consumed = n, stored = n, stored_fingerprint = xor, gap = end_offset - n
      FROM stored RETURNING source_id
    )
    INSERT INTO ledger (source_id, end_offset, epoch) SELECT source_id, 0, 0 FROM told`.execute(db);
}

/** All of it was committed long ago. */
async function age({ db }: Stage): Promise<void> {
  await sql`UPDATE ledger SET committed_at = committed_at - interval '40 days'`.execute(db);
}

async function timed({ rows }: Stage): Promise<number> {
  const [found] = await rows<{ n: number }>(
    'SELECT count(*)::int AS n FROM events WHERE rollup_cohort(impression_id) >= 0',
  );
  return found?.n ?? 0;
}

/** The rollups of the whole day, and of some of the next one. */
async function keepAll({ db }: Stage): Promise<void> {
  await keepHere(db);
  const frontierMs = await raiseFrontier(db, Date.UTC(2026, 1, 2));
  for (const definition of await readDefinitions(db)) {
    const size = { maxBases: 1_000, baseRows: 5_000 };
    await claimToFrontier(db, definition.version, frontierMs, size);
    while ((await takeNextBase(db, definition, 'untaken')) !== null);
  }
}

async function expectExact({ db }: Stage): Promise<void> {
  const { checks } = await wholeAudit(db, { rollups: { full: true } });
  expect(checks.filter(({ ok }) => !ok)).toEqual([]);
}

test('drop-days says what would leave, drops it once it is told to, and then the audit is exact', async () => {
  const the = await stage(IMPRESSIONS, RETENTION);
  await count(the);
  await keepAll(the);
  const before = await timed(the);
  const plan = await the.start('drop-days', '--json').result();
  expect(plan).toMatchObject({ dry: true, days: [{ day: '2026-01-31', bytes: null }], waits: [] });
  expect(await timed(the)).toBe(before);

  const result = await the.start('drop-days', ...WHY).result();
  expect(result).toMatchObject({
    led: true,
    dropped: [{ day: '20260131', rows: String(before) }],
    waiting: [],
  });
  expect(await timed(the)).toBe(0);
  expect(await the.rows('SELECT count(*)::int AS kept FROM events')).not.toEqual([{ kept: 0 }]);
  expect(await the.rows(`SELECT reason FROM operator_actions WHERE action = 'drop days'`)).toEqual([
    { reason: 'test' },
  ]);
  await expectExact(the);

  // What is gone cannot be computed anew: asked for by name it is refused, else it stays as it is.
  expect((await the.start('run', '--from', '2026-01-31', ...WHY).ended).code).toBe(4);
  expect((await the.start('run', ...WHY).ended).code).toBe(0);
  await expectExact(the);
  expect(await the.start('drop-days', ...WHY).result()).toMatchObject({ dropped: [] });
});

test('a day that the rollups still need waits, and the command ends with 3', async () => {
  const the = await stage(IMPRESSIONS, RETENTION);
  await count(the);
  await keepAll(the);
  await the.rows(
    'UPDATE rollup_bases SET seen_sources = NULL, seen_offsets = NULL, taken_at = NULL',
  );
  const exit = await the.start('drop-days', ...WHY).ended;
  expect(exit.code).toBe(3);
  expect(JSON.parse(exit.stdout)).toMatchObject({
    dropped: [],
    waiting: [{ day: '20260131', for: 'rollups' }],
  });
  const status = await the.start('status', '--json').result();
  expect(status['waiting_days']).toMatchObject([
    { day: '20260131', for: 'rollups', detail: expect.stringContaining('are not taken') },
  ]);
});

test('without a retention everything is kept', async () => {
  const the = await stage(1);
  expect(await the.start('drop-days', '--json').result()).toMatchObject({ dry: true, days: [] });
  const exit = await the.start('drop-days', ...WHY).ended;
  expect(exit.code).toBe(2);
  expect(exit.stderr).toContain('EVENTS_RETENTION_DAYS is not set');
  expect(await the.start('drop-timeless', '--json').result()).toMatchObject({ events: 0 });
  const timeless = await the.start('drop-timeless', ...WHY).ended;
  expect(timeless.code).toBe(2);
  expect(timeless.stderr).toContain('TIMELESS_RETENTION_DAYS is not set');
});

test('drop-timeless says what would leave, lets it leave once it is told to, and a new version takes over what is gone', async () => {
  const the = await stage(IMPRESSIONS, { TIMELESS_RETENTION_DAYS: '30' });
  await count(the);
  await age(the);
  const timeless = 'SELECT count(*)::int AS n FROM events WHERE rollup_cohort(impression_id) < 0';
  expect(await the.rows(timeless)).toEqual([{ n: 4 }]);
  expect(await the.start('drop-timeless', '--json').result()).toMatchObject({
    dry: true,
    impressions: 2,
    events: 4,
    left_before: '0',
  });
  await keepAll(the);
  await the.rows(
    'UPDATE rollup_bases SET seen_sources = NULL, seen_offsets = NULL, taken_at = NULL',
  );
  const waits = await the.start('drop-timeless', ...WHY).ended;
  expect(waits.code).toBe(3);
  expect(JSON.parse(waits.stdout)).toMatchObject({ events: '0', waits: { for: 'rollups' } });
  await keepAll(the);

  expect(await the.start('drop-timeless', ...WHY).result()).toMatchObject({
    events: '4',
    through: true,
    waits: null,
  });
  expect(await the.rows(timeless)).toEqual([{ n: 0 }]);
  expect(
    await the.rows(`SELECT reason FROM operator_actions WHERE action = 'drop timeless'`),
  ).toEqual([{ reason: 'test' }, { reason: 'test' }]);
  await expectExact(the);
  const plan = await the.start('plan', '--version', '3', '--json').result();
  expect(plan).toMatchObject({ taken_over: { version: 2, events: 4 } });
});

test('the service sums up old events before it drops their day, and tells the horizon', async () => {
  const the = await stage(IMPRESSIONS, {
    ...RETENTION,
    TIMELESS_RETENTION_DAYS: '30',
    ROLLUP_SETTLE_MS: '0',
    ROLLUP_TURN_MS: '50ms',
  });
  await count(the);
  await age(the);
  const before = await timed(the);
  const [impressions] = await the.rows<{ n: number }>(
    `SELECT count(*)::int AS n FROM events WHERE event_type = 'impression' AND rollup_cohort(impression_id) >= 0`,
  );
  const keeper = the.start('--watch');
  await keeper.until('the day to be dropped', async () => {
    const dropped = await the.rows('SELECT FROM retired_days WHERE dropped_at IS NOT NULL');
    return dropped.length === 1;
  });
  expect(await the.rows('SELECT rows::int FROM retired_days')).toEqual([{ rows: before }]);
  expect(
    await the.rows('SELECT sum(impressions)::int AS n FROM rollup_by_campaign WHERE cohort >= 0'),
  ).toEqual([impressions]);
  await keeper.until('the horizon, and what left beside days, to be told', async () => {
    const text = await (await keeper.get('/metrics')).text();
    return (
      /^adtally_retention_horizon_timestamp_seconds [1-9]/m.test(text) &&
      /^adtally_retention_days_dropped_total 1$/m.test(text) &&
      /^adtally_retention_timeless_rows_purged_total 4$/m.test(text)
    );
  });
  await expectExact(the);
});

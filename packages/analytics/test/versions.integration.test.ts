import type { AdEvent } from '@adtally/event-schema';
import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  compareVersions,
  DEFAULT_DEFINITION,
  NAIVE_DEFINITION,
  promote,
  readPromotion,
  registerVersion,
  rollback,
  RefusedError,
} from '../src/index.ts';
import { event, idAt, START_MS } from './events.ts';
import { referenceTotals } from './reference.ts';
import { World, type Writer } from './world.ts';

let world: World;
let writers: Writer[];
beforeAll(async () => {
  world = await World.create();
  writers = [await world.writer(), await world.writer()];
});
beforeEach(() => world.clear());
afterAll(() => world.close());

const SETTLED_MS = START_MS + 60_000;
const ACT = { actor: 'tester', reason: 'a test' };

/** Each impression is seen, clicked after 2 s and converted after 4. */
const EVENTS: readonly AdEvent[] = [1, 2, 3, 4].flatMap((n) => {
  const id = idAt(START_MS + n, n);
  const campaign = ['c-even', 'c-odd'][n % 2] ?? '';
  const dimensions = [campaign, 'cr', 'p'] as const;
  return (['impression', 'click', 'conversion'] as const).map((type, index) =>
    event({ id, type, atMs: n + index * 2_000, dimensions, amount: 10n ** BigInt(index) }),
  );
});

/** Out of order, as a late producer and a second partition make it. */
async function commitOutOfOrder(): Promise<void> {
  await writers[0]?.commit(EVENTS.slice(0, 6).toReversed());
  await writers[1]?.commit(EVENTS.slice(6, 9));
  await writers[0]?.commit([EVENTS[11] as AdEvent, EVENTS[9] as AdEvent]);
  await writers[1]?.commit([EVENTS[10] as AdEvent]);
}

async function keepBoth(): Promise<void> {
  await registerVersion(world.db, DEFAULT_DEFINITION, 'the beginning');
  await registerVersion(world.db, NAIVE_DEFINITION, 'the beginning');
  await world.settle(SETTLED_MS);
  await world.takeBases();
}

describe('the query that takes the order of arrival for the order of events', () => {
  it('gives wrong numbers where ours are those of plain code', async () => {
    await commitOutOfOrder();
    await keepBoth();
    const truth = referenceTotals(EVENTS, DEFAULT_DEFINITION);
    expect(await world.totals(DEFAULT_DEFINITION.version)).toEqual(truth);
    const naive = await world.totals(NAIVE_DEFINITION.version);
    expect(naive.campaign.get(keyOf('c-even'))).toMatchObject({ unmatched_clicks: '2' });
    expect(truth.campaign.get(keyOf('c-even'))).toMatchObject({
      clicks: '2',
      click_conversions: '2',
    });
    expect(
      await compareVersions(world.db, NAIVE_DEFINITION.version, DEFAULT_DEFINITION.version),
    ).toEqual(
      expect.arrayContaining([
        { campaignId: 'c-even', currency: 'EUR', measure: 'clicks', left: 0n, right: 2n },
        {
          campaignId: 'c-even',
          currency: 'EUR',
          measure: 'click_conversions',
          left: 0n,
          right: 2n,
        },
      ]),
    );
  });

  it('is right where events happen to arrive in order', async () => {
    for (const [index, one] of EVENTS.entries())
      await writers[index % 12 < 6 ? 0 : 1]?.commit([one]);
    await keepBoth();
    expect(await world.totals(NAIVE_DEFINITION.version)).toEqual(
      await world.totals(DEFAULT_DEFINITION.version),
    );
    expect(
      await compareVersions(world.db, NAIVE_DEFINITION.version, DEFAULT_DEFINITION.version),
    ).toEqual([]);
  });
});

function keyOf(campaign: string): string {
  return JSON.stringify([String(START_MS * 1_000), campaign, 'EUR']);
}

describe('the version readers see', () => {
  const shownClicks = async () => {
    const { rows } = await sql<{ clicks: bigint }>`
      SELECT sum(clicks)::bigint AS clicks FROM report_campaign_daily`.execute(world.db);
    return Number(rows[0]?.clicks);
  };

  it('is switched by promote and back by rollback, each signed', async () => {
    await commitOutOfOrder();
    await keepBoth();
    await promote(world.db, NAIVE_DEFINITION.version, ACT);
    const wrong = await shownClicks();
    await promote(world.db, DEFAULT_DEFINITION.version, ACT);
    expect([wrong, await shownClicks()]).toEqual([1, 4]);
    await rollback(world.db, ACT);
    expect(await shownClicks()).toBe(1);
    await expect(rollback(world.db, ACT)).rejects.toThrow(RefusedError);
    expect(await readPromotion(world.db)).toEqual({ version: 1, previousVersion: null });
    const { rows } = await sql<{ action: string }>`
      SELECT action FROM operator_actions ORDER BY action_id`.execute(world.db);
    expect(rows.map(({ action }) => action)).toEqual([
      'rollups promote',
      'rollups promote',
      'rollups rollback',
    ]);
  });

  it('cannot be one that lacks cohorts', async () => {
    await commitOutOfOrder();
    await world.settle(SETTLED_MS);
    await world.takeBases();
    await registerVersion(world.db, { ...DEFAULT_DEFINITION, version: 3 }, 'the frontier');
    await expect(promote(world.db, 3, ACT)).rejects.toThrow('lacks');
    await expect(promote(world.db, 9, ACT)).rejects.toThrow('no version 9');
  });

  it('means the same for ever: other parameters need another number', async () => {
    await registerVersion(world.db, DEFAULT_DEFINITION, 'the beginning');
    await registerVersion(world.db, DEFAULT_DEFINITION, 'the frontier');
    const changed = { ...DEFAULT_DEFINITION, windowMs: 1_000 };
    await expect(registerVersion(world.db, changed, 'the frontier')).rejects.toThrow(RefusedError);
  });
});

it('rates are null where nothing was shown or clicked, never an error', async () => {
  const id = idAt(START_MS, 1);
  await writers[0]?.commit([event({ id, type: 'conversion', atMs: 0 })]);
  await writers[0]?.commit([
    event({ id: idAt(START_MS, 2), type: 'impression', atMs: 0, amount: 2_000n }),
    event({ id: idAt(START_MS, 2), type: 'click', atMs: 0, amount: 500_000n }),
    event({ id: idAt(START_MS, 3), type: 'impression', atMs: -86_400_000 }),
  ]);
  await world.settle(SETTLED_MS);
  await world.takeBases();
  const { rows } = await sql`
    SELECT day::text, ctr::float8, cvr::float8, cpm_micros::text, cpc_micros::float8 AS cpc_micros
    FROM report_campaign_daily ORDER BY day`.execute(world.db);
  expect(rows).toEqual([
    {
      day: '2026-01-30',
      ctr: 0,
      cvr: null,
      cpm_micros: expect.stringMatching(/^1000000/),
      cpc_micros: null,
    },
    {
      day: '2026-01-31',
      ctr: 1,
      cvr: 0,
      cpm_micros: expect.stringMatching(/^502000000/),
      cpc_micros: 502_000,
    },
  ]);
});

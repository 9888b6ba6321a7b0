import { EVENT_TYPES, type AdEvent } from '@adtally/event-schema';
import { sql } from 'kysely';
import * as fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import {
  classCounts,
  CUTS,
  type Cut,
  DEFAULT_DEFINITION,
  type FigureEvent,
  type Figures,
  inSnapshot,
  measuresOf,
  periodOf,
  readEvents,
  readFigures,
  storedEvents,
} from '../src/index.ts';
import { event, idAt, microsOf, START_MS, timelessId } from './events.ts';
import { attribute, type Credited } from './reference.ts';
import { World, type Writer } from './world.ts';

let world: World;
let writers: Writer[];
beforeAll(async () => {
  world = await World.create();
  writers = [await world.writer(), await world.writer()];
});
afterAll(() => world.close());

const RUNS = 20;
const HOUR_MS = 3_600_000;
/** The night in which Berlin's clocks go forward. */
const NIGHT_MS = Date.UTC(2026, 2, 28, 21);
const SHIFT_MS = NIGHT_MS - START_MS;
const ZONES = ['UTC', 'Europe/Berlin', 'Asia/Kolkata'] as const;
const [FROM, TO] = ['2026-03-28', '2026-03-31'];

/** Three impressions of a settled cohort or two, a fourth born after the frontier, two without a time that look so. */
const anyEvent = fc
  .record({
    impression: fc.nat(5),
    type: fc.constantFrom(...EVENT_TYPES),
    n: fc.nat(2),
    atMs: fc.oneof(
      fc.constantFrom(-60_001, 0, 1, 4 * HOUR_MS - 1, 4 * HOUR_MS),
      fc.integer({ min: -HOUR_MS, max: 30 * HOUR_MS }),
    ),
    amount: fc.constantFrom(0n, 1n, 7n, 2n ** 63n - 1n),
    currency: fc.constantFrom('EUR', 'USD'),
    dimensions: fc.tuple(
      fc.constantFrom('a', 'b'),
      fc.constantFrom('x', 'ä'),
      fc.constantFrom('p', 'q'),
    ),
  })
  .map(({ impression, atMs, ...spec }) => {
    const bornMs = NIGHT_MS + impression * 20_000;
    const id = impression > 3 ? timelessId(bornMs, impression) : idAt(bornMs, impression);
    return event({ ...spec, id, atMs: SHIFT_MS + atMs });
  });

interface Expected {
  readonly type: string;
  readonly eventClass: string;
  readonly micros: bigint;
  readonly amount: bigint;
  readonly currency: string;
  /** campaign, creative, placement, for which it counts */
  readonly dimensions: readonly [string, string, string];
  readonly earnedBy: string | null;
}

/** What plain code says of every stored event. */
function expectedOf(counted: readonly AdEvent[], waiting: readonly AdEvent[]): Expected[] {
  const attributed = [...Map.groupBy(counted, (one) => one.impression_id).values()].flatMap((one) =>
    attribute(one, DEFAULT_DEFINITION),
  );
  const waits = waiting.map((one) => ({ kind: 'waiting', event: one, credit: one }));
  return [...attributed, ...waits].map(expectedEvent);
}

function expectedEvent(
  one: Credited | { kind: string; event: AdEvent; credit: AdEvent },
): Expected {
  const { event: of, credit, kind } = one;
  return {
    type: of.event_type,
    eventClass: kind,
    micros: microsOf(of),
    amount: 'value_micros' in of ? of.value_micros : of.price_micros,
    currency: of.currency,
    dimensions: [credit.campaign_id, credit.creative_id, credit.placement_id],
    earnedBy:
      kind === 'click_conversion' && 'click_id' in credit ? (credit.click_id ?? null) : null,
  };
}

/** The label of a moment's day or hour by the runtime's own calendar, which the code under test does not ask. */
function labelOf(micros: bigint, by: Cut, zone: string): string {
  const part = (name: string) => parts.find(({ type }) => type === name)?.value ?? '';
  const parts = new Intl.DateTimeFormat('en-GB', {
    timeZone: zone,
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    timeZoneName: 'longOffset',
  }).formatToParts(new Date(Math.floor(Number(micros) / 1_000)));
  const day = `${part('year')}-${part('month')}-${part('day')}`;
  if (by === 'day') return day;
  if (by !== 'hour') return '';
  const offset = part('timeZoneName').slice(3) || '+00:00';
  return `${day}T${part('hour')}:00:00${offset}`;
}

function partOf({ dimensions }: Expected, by: Cut): string | null {
  if (by === 'creative') return dimensions[1];
  return by === 'placement' ? dimensions[2] : null;
}

type Table = Map<string, Record<string, string>>;

function expectedTable(events: readonly Expected[], by: Cut, zone: string): Table {
  const table: Table = new Map();
  for (const one of events) {
    const key = [one.dimensions[0], labelOf(one.micros, by, zone), partOf(one, by), one.currency];
    const row = table.get(JSON.stringify(key)) ?? {};
    const { count, money } = measuresOf(one.type as never, one.eventClass as never);
    row[count] = String(BigInt(row[count] ?? 0) + 1n);
    row[money] = String(BigInt(row[money] ?? 0) + one.amount);
    table.set(JSON.stringify(key), row);
  }
  for (const row of table.values()) dropZeros(row);
  return table;
}

function actualTable({ rows, buckets }: Figures): Table {
  return new Map(
    rows.map(({ campaignId, bucket, part, currency, sums }) => {
      const label = bucket === null ? '' : (buckets[bucket]?.label ?? '');
      const row = Object.fromEntries(
        Object.entries(sums).map(([name, sum]) => [name, String(sum)]),
      );
      return [JSON.stringify([campaignId, label, part, currency]), dropZeros(row)] as const;
    }),
  );
}

function dropZeros(row: Record<string, string>): Record<string, string> {
  for (const [name, value] of Object.entries(row)) if (value === '0') delete row[name];
  return row;
}

function told(one: FigureEvent): object {
  const micros = BigInt(Date.parse(one.occurredAt)) * 1000n;
  const earnedBy = one.earnedBy?.clickId ?? null;
  const { type, eventClass, amountMicros: amount, currency, campaignId } = one;
  return { type, eventClass, micros, amount, currency, campaignId, earnedBy };
}

async function storedIn(fromMs: number, toMs: number, condition: string): Promise<bigint> {
  const { rows } = await sql<{ n: bigint }>`SELECT count(*) AS n FROM events
    WHERE occurred_at >= to_timestamp(${fromMs / 1000}::float8) AND occurred_at < to_timestamp(${toMs / 1000}::float8)
      AND ${sql.raw(condition)}`.execute(world.db);
  return rows[0]?.n ?? 0n;
}

it('figures, the events behind them and what is stored agree, in any order of arrival and in zones of any offset', async () => {
  const met = { classes: new Set<string>(), from: new Set<string>(), crossed: 0, folded: 0 };
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(anyEvent, { minLength: 10, maxLength: 40, selector: identity }).chain((set) =>
        fc.record({
          arrival: fc.shuffledSubarray(set, { minLength: set.length }),
          cuts: fc.tuple(fc.nat(set.length), fc.nat(set.length)),
          zone: fc.constantFrom(...ZONES),
          by: fc.constantFrom(...CUTS),
          folds: fc.constantFrom('never', 'before late events', 'after them'),
        }),
      ),
      async ({ arrival, cuts, zone, by, folds }) => {
        const [first, second] = cuts.toSorted((a, b) => a - b) as [number, number];
        const [early, late, noted] = [
          arrival.slice(0, first),
          arrival.slice(first, second),
          arrival.slice(second),
        ];
        await world.clear();
        await send(early);
        await world.settle(NIGHT_MS + 60_000);
        await world.takeBases();
        if (folds === 'before late events') met.folded += await world.fold(NIGHT_MS + 60_000);
        await send(late);
        await world.applyNotes();
        if (folds === 'after them') met.folded += await world.fold(NIGHT_MS + 60_000);
        await send(noted);
        const isAfter = (one: AdEvent) => one.impression_id === idAt(NIGHT_MS + 60_000, 3);
        const counted = [...early, ...late].filter((one) => !isAfter(one));
        const all = expectedOf(
          counted,
          arrival.filter((one) => !counted.includes(one)),
        );
        const period = periodOf({ from: FROM, to: TO, timeZone: zone });
        const expected = all.filter(
          ({ micros }) =>
            micros >= BigInt(period.fromMs) * 1000n && micros < BigInt(period.toMs) * 1000n,
        );
        for (const { eventClass } of expected) met.classes.add(eventClass);
        await inSnapshot(world.db, async (trx) => {
          const figures = await readFigures(trx, DEFAULT_DEFINITION, { period, by });
          met.from.add(figures.from);
          expect(actualTable(figures)).toEqual(expectedTable(expected, by, zone));
          // What all classes come to is what is stored.
          for (const type of EVENT_TYPES) {
            const stored = figures.rows.reduce(
              (sum, { sums }) => sum + storedEvents(sums, type),
              0n,
            );
            const { fromMs, toMs } = period;
            expect(stored).toBe(await storedIn(fromMs, toMs, `event_type = '${type}'`));
          }
          for (const campaignId of ['a', 'b']) {
            const asked = { period, campaignId };
            const events: FigureEvent[] = [];
            await readEvents(trx, DEFAULT_DEFINITION, asked, async (one) => {
              events.push(one);
              return true;
            });
            met.crossed += events.filter((one) => one.ownCampaignId !== campaignId).length;
            const ofCampaign = expected.filter(({ dimensions }) => dimensions[0] === campaignId);
            expect(events.map(told).toSorted(byText)).toEqual(
              ofCampaign
                .map(({ dimensions, ...one }) => ({ ...one, campaignId: dimensions[0] }))
                .toSorted(byText),
            );
            const rows = figures.rows.filter((row) => row.campaignId === campaignId);
            for (const { type, eventClass, events: n } of classCounts(rows)) {
              const shown = events.filter(
                (one) => one.type === type && one.eventClass === eventClass,
              );
              expect([type, eventClass, BigInt(shown.length)]).toEqual([type, eventClass, n]);
            }
          }
        });
      },
    ),
    { numRuns: RUNS },
  );
  // The sets were rich enough: every class, both ways to figures, and conversions earned across campaigns.
  expect([...met.classes].toSorted()).toEqual(ALL_CLASSES);
  expect([...met.from].toSorted()).toEqual(['events', 'rollups']);
  expect(met.crossed).toBeGreaterThan(0);
  expect(met.folded).toBeGreaterThan(0);
});

const ALL_CLASSES = [
  'click',
  'click_conversion',
  'early_click',
  'early_conversion',
  'impression',
  'unmatched_click',
  'unmatched_conversion',
  'view_conversion',
  'waiting',
];

async function send(events: readonly AdEvent[]): Promise<void> {
  for (let start = 0; start < events.length; start += 3) {
    await writers[(start / 3) % 2]?.commit(events.slice(start, start + 3));
  }
}

function identity(one: { event_type: string; impression_id: string }): string {
  const { click_id, conversion_id } = one as { click_id?: string; conversion_id?: string };
  return [one.event_type, one.impression_id, click_id, conversion_id].join(' ');
}

function byText(a: object, b: object): number {
  const text = (one: object) =>
    JSON.stringify(one, (_key, value: unknown) =>
      String(value) === '[object Object]' ? value : String(value),
    );
  return text(a) < text(b) ? -1 : 1;
}

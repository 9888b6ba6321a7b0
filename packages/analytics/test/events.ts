import { Buffer } from 'node:buffer';
import { EVENT_TYPES, type AdEvent } from '@adtally/event-schema';
import * as fc from 'fast-check';
import { COHORT_MS } from '../src/index.ts';

/** 2026-01-31 12:00 UTC: where the tests' time begins. */
export const START_MS = Date.UTC(2026, 0, 31, 12);

export function microsOf({ occurred_at: at }: AdEvent): bigint {
  if (typeof at === 'string') throw new Error('tests write times as micros');
  return at.unixMicros;
}

export function bytesOf(uuid: string): Buffer {
  return Buffer.from(uuid.replaceAll('-', ''), 'hex');
}

/** A UUIDv7 born at a moment; `n` tells ids of one moment apart. */
export function idAt(bornMs: number, n: number): string {
  const time = bornMs.toString(16).padStart(12, '0');
  return `${time.slice(0, 8)}-${time.slice(8)}-7000-8000-${n.toString(16).padStart(12, '0')}`;
}

/** An id without a time, whose first bytes look like one that was born then. */
export function timelessId(lookMs: number, n: number): string {
  return idAt(lookMs, n).replace('-7000-', '-4000-');
}

export interface EventSpec {
  readonly id: string;
  readonly type: AdEvent['event_type'];
  /** Which click or conversion of the impression it is. */
  readonly n?: number;
  /** Milliseconds after START_MS, may be negative. */
  readonly atMs: number;
  readonly amount?: bigint;
  readonly currency?: string;
  /** campaign, creative, placement */
  readonly dimensions?: readonly [string, string, string];
}

export function event(spec: EventSpec): AdEvent {
  const [campaign_id, creative_id, placement_id] = spec.dimensions ?? ['c-1', 'cr-1', 'p-1'];
  const common = {
    impression_id: spec.id,
    occurred_at: { unixMicros: BigInt(START_MS + spec.atMs) * 1000n },
    currency: spec.currency ?? 'EUR',
    campaign_id,
    creative_id,
    placement_id,
  };
  const amount = spec.amount ?? 1_000n;
  switch (spec.type) {
    case 'impression':
      return { ...common, event_type: 'impression', price_micros: amount };
    case 'click':
      return {
        ...common,
        event_type: 'click',
        click_id: idAt(START_MS, spec.n ?? 0),
        price_micros: amount,
      };
    case 'conversion':
      return {
        ...common,
        event_type: 'conversion',
        conversion_id: `order-${spec.n ?? 0}`,
        value_micros: amount,
      };
    default:
      return spec.type satisfies never;
  }
}

const HOUR_MS = 3_600_000;
const WORDS = ['a', 'A', 'ä', '한'] as const;
const COHORTS = 3;

/** Around the tolerance of a minute and the window of seven days; met three times out of four. */
const BOUNDS = [
  fc.constantFrom(-60_001, -60_000, -1),
  fc.constantFrom(0, 1, HOUR_MS),
  fc.constantFrom(7 * 24 * HOUR_MS, 7 * 24 * HOUR_MS + 1),
];

/** Few ids, times and amounts, so that ties, orders and bounds are met often. */
export const anyEvent: fc.Arbitrary<AdEvent> = fc
  .record({
    impression: fc.nat(3),
    isTimeless: fc.nat(6).map((n) => n === 0),
    type: fc.constantFrom(...EVENT_TYPES),
    n: fc.nat(2),
    atMs: fc.oneof(...BOUNDS, fc.integer({ min: -2 * HOUR_MS, max: 9 * 24 * HOUR_MS })),
    amount: fc.constantFrom(0n, 1n, 7n, 2n ** 63n - 1n),
    currency: fc.constantFrom('EUR', 'JPY'),
    dimensions: fc.tuple(
      fc.constantFrom(...WORDS),
      fc.constantFrom(...WORDS),
      fc.constantFrom(...WORDS),
    ),
  })
  .map(({ impression, isTimeless, ...spec }) => {
    const bornMs = START_MS + (impression % COHORTS) * COHORT_MS;
    const id = isTimeless ? timelessId(bornMs, impression) : idAt(bornMs, impression);
    return event({ ...spec, id });
  });

import { REJECTION_CODES, type RejectionCode } from '@adtally/event-schema';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { UNLIMITED } from '@adtally/pipeline';
import { RejectionBreaker, type BreakerSettings } from './rejection-breaker.ts';
import { RejectionWindow } from './rejection-window.ts';

const SETTINGS: BreakerSettings = {
  windowRecords: 1_000,
  rejectedShare: 0.5,
  recordsPerSecond: 50,
};
const PROBE = 100;

const code = fc.constantFrom(...REJECTION_CODES);
/** So many good records, or one rejected. */
const outcome = fc.oneof(fc.nat({ max: 30 }), code);

function feed(breaker: RejectionBreaker, bad: number, good: number): void {
  for (let count = 0; count < bad; count += 1) breaker.addRejected('malformed_json');
  breaker.addGood(good);
}

/** Open since 0 ms. */
function opened(settings: BreakerSettings = SETTINGS): RejectionBreaker {
  const breaker = new RejectionBreaker(settings);
  feed(breaker, settings.windowRecords, 0);
  expect(breaker.settle(0)?.to).toBe('open');
  return breaker;
}

describe('the window', () => {
  test('holds just the last records, whatever their order', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 60 }), fc.array(outcome), (size, outcomes) => {
        const window = new RejectionWindow(size);
        const all: (RejectionCode | null)[] = [];
        for (const one of outcomes) {
          if (typeof one === 'number') {
            window.addGood(one);
            all.push(...Array.from({ length: one }, () => null));
          } else {
            window.addRejected(one);
            all.push(one);
          }
          const last = all.slice(-size);
          const rejected = last.filter((each) => each !== null);
          expect(window.records).toBe(last.length);
          expect(window.rejected).toBe(rejected.length);
        }
        const codes: Record<string, number> = {};
        for (const one of all.slice(-size)) {
          if (one !== null) codes[one] = (codes[one] ?? 0) + 1;
        }
        expect(window.codes()).toEqual(codes);
      }),
    );
  });

  test('a record rejected late takes the place of a good one, never of one already rejected', () => {
    const window = new RejectionWindow(4);
    window.addGood(1);
    window.addRejected('empty');
    for (let time = 0; time < 3; time += 1) window.turnOneBad('data_refused');
    expect(window).toMatchObject({ records: 2, rejected: 2 });
    expect(window.codes()).toEqual({ empty: 1, data_refused: 1 });
  });
});

describe('closed', () => {
  test('opens above the share of a whole window, not at it and not for a few records', () => {
    const breaker = new RejectionBreaker(SETTINGS);
    feed(breaker, 500, 0);
    expect(breaker.settle(0)).toBeNull();
    expect(breaker.allowance(0)).toBe(UNLIMITED);
    feed(breaker, 1, 0);
    expect(breaker.settle(0)).toMatchObject({
      to: 'open',
      cause: 'share',
      figures: { records: 501, rejected: 501, share: 1, codes: { malformed_json: 501 } },
    });
    expect(breaker.isOpen).toBe(true);
  });

  test('opens if and only if at some record more than the share of the last window is rejected', () => {
    const settings = { windowRecords: 40, rejectedShare: 0.3, recordsPerSecond: 10 };
    fc.assert(
      fc.property(fc.array(outcome, { maxLength: 200 }), (outcomes) => {
        const breaker = new RejectionBreaker(settings);
        const last: number[] = [];
        let isAbove = false;
        for (const one of outcomes) {
          if (typeof one === 'number') {
            breaker.addGood(one);
            last.push(...Array.from({ length: one }, () => 0));
          } else {
            breaker.addRejected(one);
            last.push(1);
          }
          const rejected = last.slice(-40).reduce((sum, bad) => sum + bad, 0);
          isAbove ||= rejected > 12;
        }
        expect(breaker.settle(0)?.to).toBe(isAbove ? 'open' : undefined);
      }),
    );
  });

  test('rejections the database adds later count too', () => {
    const breaker = new RejectionBreaker(SETTINGS);
    breaker.addGood(5_000);
    for (let count = 0; count < 501; count += 1) breaker.turnOneBad('data_refused');
    expect(breaker.settle(0)?.figures).toMatchObject({ records: 1_000, rejected: 501 });
  });

  test('never opens by itself where it is off', () => {
    const breaker = new RejectionBreaker({ ...SETTINGS, rejectedShare: null });
    feed(breaker, 10_000, 0);
    expect(breaker.settle(0)).toBeNull();
  });
});

describe('open', () => {
  test('never lets more through than rate * time + one second of it, however it is asked', () => {
    const step = fc.record({
      afterMs: fc.nat({ max: 3_000 }),
      take: fc.nat({ max: 500 }),
    });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 400 }), fc.array(step), (recordsPerSecond, steps) => {
        const breaker = opened({ ...SETTINGS, recordsPerSecond });
        let nowMs = 0;
        let total = 0;
        for (const { afterMs, take } of steps) {
          nowMs += afterMs;
          const taken = Math.min(take, breaker.allowance(nowMs));
          breaker.take(taken);
          total += taken;
          const bound = (recordsPerSecond * nowMs) / 1_000 + recordsPerSecond;
          expect(total).toBeLessThanOrEqual(bound);
        }
        expect(breaker.allowance(nowMs)).toBeLessThanOrEqual(recordsPerSecond);
      }),
    );
  });

  test('lets its rate through over a minute, asked whenever it is worth the while', () => {
    const breaker = opened();
    let total = 0;
    for (let nowMs = 0; nowMs <= 60_000; nowMs += 10) {
      if (!breaker.isWorthReading(nowMs)) continue;
      const allowance = breaker.allowance(nowMs);
      breaker.take(allowance);
      total += allowance;
    }
    expect(total).toBeGreaterThan(50 * 58);
    expect(total).toBeLessThanOrEqual(50 * 61);
  });

  test('a rate of one is worth reading once a record is due, and gets it', () => {
    const breaker = opened({ ...SETTINGS, recordsPerSecond: 1 });
    expect(breaker.allowance(999)).toBe(0);
    expect(breaker.isWorthReading(999)).toBe(false);
    expect(breaker.isWorthReading(1_000)).toBe(true);
    expect(breaker.allowance(1_000)).toBe(1);
  });

  test('what follows the record that tipped the scale in the same fetch decides nothing', () => {
    const breaker = new RejectionBreaker(SETTINGS);
    feed(breaker, 501, 499);
    expect(breaker.settle(0)?.to).toBe('open');
    expect(breaker.figures().records).toBe(0);
    feed(breaker, 0, PROBE - 1);
    expect(breaker.settle(0)).toBeNull();
  });

  test('closes when two seconds of records hold less than half the share, not at half', () => {
    const breaker = opened();
    feed(breaker, 25, 75);
    expect(breaker.settle(1_000)).toBeNull();
    breaker.addGood(1);
    expect(breaker.settle(2_000)).toMatchObject({
      to: 'closed',
      cause: 'share',
      figures: { records: PROBE, rejected: 24 },
    });
    expect(breaker.allowance(2_000)).toBe(UNLIMITED);
    expect(breaker.figures().records).toBe(0);
  });

  test('at a low rate it still wants 50 records before it closes', () => {
    const breaker = opened({ ...SETTINGS, recordsPerSecond: 1 });
    breaker.addGood(49);
    expect(breaker.settle(0)).toBeNull();
    breaker.addGood(1);
    expect(breaker.settle(0)?.to).toBe('closed');
  });

  test('good records always close it in the end, whatever came before', () => {
    fc.assert(
      fc.property(fc.array(outcome), (outcomes) => {
        const breaker = opened();
        for (const one of outcomes) {
          if (typeof one === 'number') breaker.addGood(one);
          else breaker.addRejected(one);
        }
        breaker.settle(0);
        breaker.addGood(SETTINGS.windowRecords);
        breaker.settle(0);
        expect(breaker.isOpen).toBe(false);
      }),
    );
  });
});

describe('forced', () => {
  test('open holds it open against good records, and auto lets it close by them', () => {
    const breaker = new RejectionBreaker(SETTINGS);
    expect(breaker.setForce('open', 0)).toMatchObject({ to: 'open', cause: 'forced' });
    expect(breaker.setForce('open', 0)).toBeNull();
    breaker.addGood(10_000);
    expect(breaker.settle(0)).toBeNull();
    expect(breaker.isOpen).toBe(true);
    expect(breaker.setForce('auto', 0)).toMatchObject({ to: 'closed', cause: 'share' });
  });

  test('closed holds it closed against rejections, and auto lets it open by them', () => {
    const breaker = opened();
    expect(breaker.setForce('closed', 0)).toMatchObject({ to: 'closed', cause: 'forced' });
    feed(breaker, 10_000, 0);
    expect(breaker.settle(0)).toBeNull();
    expect(breaker.setForce('auto', 0)).toMatchObject({ to: 'open', cause: 'share' });
  });

  test('where it is off, open works, and auto ends it', () => {
    const breaker = new RejectionBreaker({ ...SETTINGS, rejectedShare: null });
    expect(breaker.setForce('open', 0)?.to).toBe('open');
    expect(breaker.allowance(10_000)).toBe(50);
    expect(breaker.setForce('auto', 0)?.to).toBe('closed');
  });
});

import type { ArrivalInOrder } from '@adtally/alerting';
import { expect, test } from 'vitest';
import { evaluate, type KnownEpisode, type Rule } from './evaluate.ts';
import { NO_LETTERS } from './tally.ts';

const RULE: Rule = { threshold: 5, windowMs: 60_000, resolveMs: 300_000 };

function arrivals(times: readonly number[], isFresh: (ms: number) => boolean = () => true) {
  return times.map((appendedMs, deadOffset): ArrivalInOrder => {
    const letter = `letter ${deadOffset}`;
    const isNew = isFresh(appendedMs);
    return {
      letter,
      appendedMs,
      partition: 0,
      deadOffset,
      cause: 'c',
      fingerprint: '',
      source: '',
      origin: 'o',
      isFresh: isNew,
    };
  });
}

function found(times: readonly number[], completeMs = -Infinity, rule = RULE) {
  return evaluate(rule, arrivals(times), [], completeMs).map(
    ({ sinceMs, breachedMs, untilMs, endedMs, tally }) => ({
      sinceMs,
      breachedMs,
      untilMs,
      endedMs,
      letters: tally.letters,
    }),
  );
}

test.each([
  ['5 at once', [0, 0, 0, 0, 0], 0],
  ['6 at once', [0, 0, 0, 0, 0, 0], 1],
  ['the 6th 59,999 ms after the 1st', [0, 1, 2, 3, 4, 59_999], 1],
  ['the 6th 60,000 ms after the 1st', [0, 1, 2, 3, 4, 60_000], 0],
  ['7 of which the last 6 fit', [0, 30_000, 30_001, 40_000, 50_000, 60_000, 89_999], 1],
  ['one every 12 s for ever', Array.from({ length: 100 }, (_, index) => index * 12_000), 0],
  ['one every 11.999 s for ever', Array.from({ length: 100 }, (_, index) => index * 11_999), 1],
])('%s: %s', (_what, times, episodes) => {
  expect(found(times)).toHaveLength(episodes);
});

test('an episode begins with the first letter of its window and lasts as long as a window exceeds', () => {
  expect(found([0, 100_000, 100_001, 100_002, 100_003, 100_004, 120_000])).toEqual([
    { sinceMs: 100_000, breachedMs: 120_000, untilMs: 160_000, endedMs: null, letters: 6 },
  ]);
});

test('it is over once everything is known up to the end of its quiet, not a millisecond before', () => {
  const times = [0, 0, 0, 0, 0, 0];
  expect(found(times, 359_999)).toMatchObject([{ endedMs: null }]);
  expect(found(times, 360_000)).toMatchObject([{ endedMs: 360_000 }]);
});

test('a letter behind its quiet ends it, one inside is counted, a breach inside prolongs it', () => {
  const burst = (atMs: number) => Array.from({ length: 6 }, () => atMs);
  expect(found([...burst(0), 359_999])).toMatchObject([{ endedMs: null, letters: 7 }]);
  expect(found([...burst(0), 360_000])).toMatchObject([{ endedMs: 360_000, letters: 6 }]);
  expect(found([...burst(0), ...burst(359_999)])).toMatchObject([
    { endedMs: null, untilMs: 419_999, letters: 12 },
  ]);
  expect(found([...burst(0), ...burst(360_000)])).toMatchObject([
    { endedMs: 360_000 },
    { endedMs: null, sinceMs: 360_000 },
  ]);
});

const KNOWN: KnownEpisode = {
  incidentId: 7n,
  isResolved: false,
  sinceMs: 100_000,
  breachedMs: 100_005,
  untilMs: 160_000,
  tally: { ...NO_LETTERS, letters: 6 },
};
const OF_KNOWN = [100_000, 100_001, 100_002, 100_003, 100_004, 100_005];

test('letters that come late to an open incident are put into it, before its beginning too', () => {
  const isFresh = (ms: number) => !OF_KNOWN.includes(ms);
  const late = arrivals([50_000, 50_001, 50_002, 50_003, 50_004, 50_005, ...OF_KNOWN], isFresh);
  expect(evaluate(RULE, late, [KNOWN], -Infinity)).toMatchObject([
    {
      incidentId: 7n,
      sinceMs: 50_000,
      breachedMs: 50_005,
      untilMs: 160_000,
      tally: { letters: 12 },
    },
  ]);
});

test('a letter that comes late to a resolved incident is counted there and opens no other', () => {
  const late = arrivals([...OF_KNOWN, 100_006], (ms) => ms === 100_006);
  expect(evaluate(RULE, late, [{ ...KNOWN, isResolved: true }], 900_000)).toMatchObject([
    { incidentId: 7n, endedMs: null, tally: { letters: 7 } },
  ]);
});

test('a new burst behind a resolved incident opens another, even where its quiet was cut short', () => {
  const times = Array.from({ length: 6 }, (_, index) => 170_000 + index);
  expect(
    evaluate(RULE, arrivals(times), [{ ...KNOWN, isResolved: true }], -Infinity),
  ).toMatchObject([{ incidentId: null, sinceMs: 170_000, endedMs: null }]);
});

test('a letter alone changes nothing; an open incident without news is not touched', () => {
  expect(evaluate(RULE, arrivals([5]), [], Infinity)).toEqual([]);
  expect(evaluate(RULE, [], [KNOWN], 459_999)).toEqual([]);
  expect(evaluate(RULE, [], [KNOWN], 460_000)).toMatchObject([{ endedMs: 460_000 }]);
});

import { expect, test } from 'vitest';
import { amount, demoJson, demoText, type DemoResult, problemsOf } from './report.ts';
import type { Tally } from './tally.ts';

const TALLY: Tally = {
  records: 1_200n,
  unique: 1_150n,
  byEventType: { impression: 1_150n },
  duplicate: 40n,
  conflict: 8n,
  deadLettered: { empty: 2n },
  deadLettersKept: 2n,
  money: { EUR: 1_234_000_001n },
};

const RESULT: DemoResult = {
  events: 1_200,
  seed: 1,
  expected: TALLY,
  actual: TALLY,
  audit: {
    balanced: true,
    checks: [{ id: 'I1', name: 'tiling', ok: true, offending: [], more: false }],
  },
  rollups: { campaigns: [], problems: [], wrongBefore: 3, differences: { clicks: 5n } },
  statement: { file: '/logs/statement.json', text: 'Statement of campaign c-1', differences: [] },
  recount: null,
  kill: {
    consumer: 'consumer-2',
    pid: 7,
    atEvents: 601,
    atSeconds: 1.5,
    partitions: [1, 3],
    lag: 99,
    survivorLag: 12,
    epochs: new Map([[1, 4]]),
  },
  takeoverSeconds: 2,
  fenced: 0,
  exitCodes: { 'consumer-1': 0, 'consumer-2-restarted': 0 },
  failurePath: {
    lines: [{ name: 'redriven and stored', expected: 200n, actual: 200n }],
    letters: { empty: { deadLettered: 2n, resolved: 0n, dead: 1n, pending: 1n, discarded: 0n } },
    pages: ['firing: 6 dead letters'],
    exitCodes: { alerter: 0 },
  },
  produceFailures: 0,
  dlqRecords: 2,
  countSeconds: 4,
  readySeconds: 3.25,
  seconds: 11.5,
  database: 'adtally_demo_x',
  topics: { events: 'e', dlq: 'd', dead: 'x' },
  logFolder: '/logs',
};

test('a run whose lines are all equal is exact, and says what to try next', () => {
  expect(problemsOf(RESULT)).toEqual([]);
  expect(demoJson(RESULT)).toMatchObject({
    exact: true,
    problems: [],
    audit: { balanced: true, checks: { I1: true } },
    rollups: {
      equal_to_producer: true,
      wrong_before: { version: 1, campaigns: 3, differences: { clicks: 5 } },
    },
    seconds: 11.5,
    ready_seconds: 3.25,
    events_per_second: 300,
    kill: { signal: 'SIGKILL', killed_at_events: 601, lag: 99, survivor_lag: 12 },
  });
  const text = demoText(RESULT, 'Next: this', 'verify it: so');
  expect(text.split('\n').at(-1)).toBe('Exact in every line. Next: this');
  expect(text).toMatch(/^money EUR +1,234\.000001 +1,234\.000001 +=$/m);
  expect(text).not.toContain('!=');
});

test('the JSON survives a round trip: nothing in it is a bigint or a Map', () => {
  expect(JSON.parse(JSON.stringify(demoJson(RESULT)))).toEqual(demoJson(RESULT));
});

test.each<[string, Partial<DemoResult>, string]>([
  [
    'a campaign that differs',
    { rollups: { ...RESULT.rollups, problems: ['rollups of c-1: found nothing'] } },
    'rollups of c-1',
  ],
  ['one event too many', { actual: { ...TALLY, unique: 1_151n } }, 'unique: expected 1150'],
  [
    'one micro too few',
    { actual: { ...TALLY, money: { EUR: 1_234_000_000n } } },
    'money EUR: expected 1234000001',
  ],
  ['a dead letter without a copy', { actual: { ...TALLY, deadLettersKept: 1n } }, 'letters kept'],
  [
    'an audit check that does not hold',
    {
      audit: {
        balanced: false,
        checks: [{ id: 'I4', name: 'rows', ok: false, offending: [], more: false }],
      },
    },
    'I4',
  ],
  ['a record without an ack', { produceFailures: 1 }, 'not acknowledged'],
  ['a consumer that ends badly', { exitCodes: { 'consumer-1': 1 } }, 'exit code 1'],
])('%s makes the run not exact, and is named', (_what, change, problem) => {
  const result = { ...RESULT, ...change };
  expect(problemsOf(result).join('\n')).toContain(problem);
  expect(demoJson(result)).toMatchObject({ exact: false });
  expect(demoText(result, '', 'verify it: so')).toContain(`NOT EXACT: `);
});

test('an unequal line is marked in the table', () => {
  const text = demoText({ ...RESULT, actual: { ...TALLY, conflict: 7n } }, '', 'verify it: so');
  expect(text.split('\n').filter((line) => line.endsWith('!='))).toHaveLength(1);
});

test.each([
  [0n, '0.000000'],
  [1n, '0.000001'],
  [-1_500_000n, '-1.500000'],
  [1_234_567_000_000n, '1,234,567.000000'],
  [9_007_199_254_740_993_000_001n, '9,007,199,254,740,993.000001'],
])('%s micros are shown as %s', (micros, text) => {
  expect(amount(micros)).toBe(text);
});

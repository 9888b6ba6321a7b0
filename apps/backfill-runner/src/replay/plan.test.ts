import { expect, test } from 'vitest';
import { rangeOf } from './plan.ts';

const SOURCE = { sourceId: 3, partition: 1, genesis: 100, cursor: 500 };
const LOG = { logStart: 200, end: 800 };

test.each([
  ['nothing said: the log up to the live cursor', null, null, [200, 500], {}],
  ['inside', 250, 300, [250, 300], {}],
  ['past the cursor', 450, 700, [450, 500], { beyondCursor: 200 }],
  ['past the end of the log', 450, 9_000, [450, 500], { beyondCursor: 300 }],
  ['all of it past the cursor', 600, 700, [500, 500], { beyondCursor: 100 }],
  ['before the log', 150, 300, [150, 300], { missing: 50 }],
  ['all of it gone', 120, 180, [120, 180], { missing: 60 }],
  ['before where counting began', 0, 300, [100, 300], { missing: 100, beforeGenesis: 100 }],
  ['all of it before that', 0, 50, [50, 50], { beforeGenesis: 50 }],
  [
    'everything at once',
    0,
    9_000,
    [100, 500],
    { missing: 100, beforeGenesis: 100, beyondCursor: 300 },
  ],
] as const)('%s', (_what, from, to, [first, end], counts) => {
  const clipped = { missing: 0, beyondCursor: 0, beforeGenesis: 0, ...counts };
  expect(rangeOf(SOURCE, LOG, from, to)).toEqual({
    partition: 1,
    eventsSourceId: 3,
    first,
    end,
    records: end - first - clipped.missing,
    ...clipped,
  });
});

test('a log that lost what was counted, and a cursor that lags behind the log', () => {
  const gone = rangeOf(SOURCE, { logStart: 600, end: 800 }, null, null);
  expect(gone).toMatchObject({ first: 500, end: 500, records: 0, missing: 0 });
  expect(rangeOf(SOURCE, { logStart: 0, end: 300 }, null, null)).toMatchObject({ end: 300 });
});

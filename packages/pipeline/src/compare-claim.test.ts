import { expect, test } from 'vitest';
import { compareClaim } from './compare-claim.ts';

const CLAIM = { sourceId: 7, epoch: 100, committedOffset: 50 };

test.each([
  ['as we remember it', { nextOffset: 50, epoch: 100 }, null],
  ['moved on by a commit of ours under way', { nextOffset: 60, epoch: 100 }, null],
  ['put back to before a commit', { nextOffset: 20, epoch: 100 }, ['database_behind', 30]],
  ['put back to before our claim', { nextOffset: 50, epoch: 90 }, ['database_behind', 0]],
  ['put back and claimed by another', { nextOffset: 20, epoch: 200 }, ['database_behind', 30]],
  ['claimed by another', { nextOffset: 50, epoch: 200 }, ['claimed_elsewhere', 0]],
  ['claimed by another that went on', { nextOffset: 70, epoch: 200 }, ['claimed_elsewhere', 0]],
  ['put back to before its topic was known', undefined, ['source_missing', 0]],
])('a cursor %s', (_how, cursor, expected) => {
  const loss = compareClaim(CLAIM, cursor);
  expect(loss === null ? null : [loss.code, loss.offsetsBehind]).toEqual(expected);
});

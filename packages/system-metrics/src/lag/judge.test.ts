import type { SourcePosition } from '@adtally/db';
import { expect, test } from 'vitest';
import { judge, topicReports } from './judge.ts';
import { PartitionHistory } from './partition-history.ts';
import type { Reason } from './reason.ts';
import type { TopicView } from './topic-observer.ts';

const STUCK_AFTER_MS = 10_000;
const POSITION: SourcePosition = {
  kind: 'events',
  topic: 't',
  topicId: 'id',
  partition: 0,
  sourceId: 1,
  nextOffset: 5,
  owner: 'o',
  knownEndOffset: null,
  halted: null,
  idleMs: 0,
};

/** What is said of a partition whose log's end was read so long ago, and last asked for with that failure. */
function stuckWith(endReadMsAgo: number, failure: Reason | null) {
  const nowMs = 1_000_000;
  const seen = { hasLeader: true, start: null, stableEnd: null, failure };
  const view: TopicView = {
    describedMs: nowMs,
    topicId: 'id',
    partitions: new Map([[0, { ...seen, end: 5, endReadMs: nowMs - endReadMsAgo }]]),
    failure: null,
  };
  const evidence = {
    kind: 'events',
    topic: 't',
    partition: 0,
    position: POSITION,
    view,
    reports: topicReports([]),
    history: new PartitionHistory(0),
  } as const;
  const clock = { nowMs, unixMs: Date.now(), stuckAfterMs: STUCK_AFTER_MS };
  return judge(evidence, () => null, clock).stuck?.code ?? null;
}

test('a partition whose broker answers is not stuck because others delay the next look', () => {
  const failure = { code: 'broker_unreachable', detail: 'no answer' };
  expect(stuckWith(1.5 * STUCK_AFTER_MS, null)).toBe(null);
  expect(stuckWith(1.5 * STUCK_AFTER_MS, failure)).toBe('broker_unreachable');
  expect(stuckWith(4 * STUCK_AFTER_MS, null)).toBe('broker_unreachable');
});

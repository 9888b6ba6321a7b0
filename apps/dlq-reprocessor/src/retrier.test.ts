import type { WriterSession } from '@adtally/db';
import { DEFAULT_DECODE_LIMITS } from '@adtally/event-schema';
import type { BatchCommitter, WriterLink } from '@adtally/pipeline';
import type { Logger } from '@adtally/telemetry';
import { expect, test } from 'vitest';
import { Lanes } from './lanes.ts';
import type { ReprocessorMetrics } from './metrics.ts';
import { Retrier } from './retrier.ts';
import { TrySettler } from './try-settler.ts';

/** A lane, of which only the number matters. */
const laneOf = (lane: number) => ({ lane, sourceId: lane, epoch: 1, committedOffset: 0 });

test('I6: of a lane that is taken away while a session is opened, which does not name it, nothing is leased', async () => {
  const leasedOf: unknown[] = [];
  const session = {
    query: (_text: string, [lanes]: unknown[]) => {
      leasedOf.push(lanes);
      return Promise.resolve([]);
    },
  } as unknown as WriterSession;
  const opened = Promise.withResolvers<WriterSession>();
  const link = { session: () => opened.promise } as unknown as WriterLink;
  const log = {} as Logger;
  const lanes = new Lanes({ link, log });
  const taken = laneOf(0);
  lanes.hold(taken);
  lanes.hold(laneOf(1));
  const retrier = new Retrier(
    {
      link,
      lanes,
      committer: {} as BatchCommitter,
      settler: new TrySettler({ firstMs: 1, lastMs: 1 }),
      metrics: {} as ReprocessorMetrics,
      log,
    },
    {
      eventsTopic: 'events',
      batchMax: 1,
      limits: { attemptsMax: 1, attemptsMaxByCode: new Map() },
      decode: DEFAULT_DECODE_LIMITS,
      appVersion: '1',
    },
  );
  const trying = retrier.retryBatch(AbortSignal.timeout(1_000));
  lanes.lose([taken]);
  opened.resolve(session);
  expect(await trying).toBe(0);
  expect(leasedOf).toEqual([[1], [1]]);
});

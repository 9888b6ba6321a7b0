import { setTimeout as sleep } from 'node:timers/promises';
import type { BatchCommitter, HoldUps, WriterLink } from '@adtally/pipeline';
import type { Logger } from '@adtally/telemetry';
import { expect, test } from 'vitest';
import type { LaneClaims } from './lane-claims.ts';
import { Lanes } from './lanes.ts';
import type { Retrier } from './retrier.ts';
import { RetryLoop } from './retry-loop.ts';

test('what is asked to be hurried waits for RETRIES_PER_SECOND all the same', async () => {
  let batches = 0;
  const retryBatch = () => {
    batches += 1;
    return Promise.resolve(100);
  };
  const link = {} as WriterLink;
  const log = {} as Logger;
  const loop = new RetryLoop(
    {
      link,
      lanes: new Lanes({ link, log }),
      claims: { hasPrepared: false } as LaneClaims,
      lost: () => [],
      retrier: { retryBatch } as unknown as Retrier,
      committer: {} as BatchCommitter,
      holdUps: {} as HoldUps,
      log,
      abandoned: new AbortController().signal,
    },
    { retryIntervalMs: 60_000, retriesPerSecond: 1 },
  );
  const running = loop.run();
  await sleep(100);
  loop.hurry();
  await sleep(200);
  loop.stop();
  await running;
  expect(batches).toBe(1);
});

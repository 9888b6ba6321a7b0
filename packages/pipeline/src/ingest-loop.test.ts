import { setTimeout as delay } from 'node:timers/promises';
import { Abandoned } from '@adtally/pacing';
import { expect, it } from 'vitest';
import type { BatchCommitter } from './batch-committer.ts';
import type { BatchFiller } from './batch-filler.ts';
import { IngestLoop, type LoopParts } from './ingest-loop.ts';

type Committing = Pick<BatchCommitter, 'prepare' | 'commit'>;

const OWNED = { partition: 0, sourceId: 1, epoch: 1, committedOffset: 0, readOffset: 0 };

/** A loop whose batches are full after so many turns of a fill; until then one lingers for as long as it may. */
function loopOf(committing: Committing, fullAfter = 3) {
  let beats = 0;
  const fill = (async (work, _rules, control) => {
    const [first, end] = [OWNED.readOffset, OWNED.readOffset + 1];
    work.spans.set(1, { claim: OWNED as never, first, end, gap: 0, firstAppendMs: 0 });
    let turns = 0;
    do await delay(1);
    while (++turns < fullAfter && control.mayLinger() && !control.mustReturn());
  }) satisfies BatchFiller['fill'];
  const parts = {
    consumer: { isTopicSure: true, granted: [], noteCommitted: () => undefined },
    ownership: { isCurrent: () => true, allOwned: () => [OWNED] },
    claims: {
      partitionCount: 1,
      prepareDue: async () => undefined,
      release: async () => undefined,
    },
    filler: { halts: new Map(), stalled: new Set(), fill },
    committer: { horizonMs: 0, ...committing },
    watch: { isRecreated: () => false },
    cursors: {},
    admission: { afterCommit: () => undefined },
    log: { warn: () => undefined },
    onCommitted: () => undefined,
    beat: () => (beats += 1),
    abandoned: new AbortController().signal,
  };
  const limits = { maxValueBytes: 1, maxDepth: 1 };
  const loop = new IngestLoop(parts as unknown as LoopParts, { batchMaxEvents: 10, limits });
  return { loop, beats: () => beats };
}

/** Waits for a server that is away until the signal fires. */
async function waitsForEver(_work: unknown, signal: AbortSignal): Promise<never> {
  await delay(3_600_000, undefined, { signal }).catch(() => undefined);
  throw new Abandoned('waiting');
}

const failsSoon = async (): Promise<never> => {
  await delay(10);
  throw new Error('a bug');
};

it('a failed write is told though the batch behind it could go on growing', async () => {
  const { loop } = loopOf({ prepare: async () => undefined, commit: failsSoon }, Infinity);
  await expect(loop.run()).rejects.toThrow('a bug');
});

it('a failed write is told though the batch behind it waits for a DLQ that is away', async () => {
  const isBehind = Promise.withResolvers<void>();
  let prepared = 0;
  const { loop } = loopOf({
    prepare: async (work, signal) => {
      prepared += 1;
      if (prepared === 1) return;
      isBehind.resolve();
      await waitsForEver(work, signal);
    },
    commit: async () => {
      await isBehind.promise;
      throw new Error('a bug');
    },
  });
  await expect(loop.run()).rejects.toThrow('a bug');
});

it('a failed preparation is told though the batch ahead of it waits for the database', async () => {
  let prepared = 0;
  const { loop } = loopOf({
    prepare: async () => {
      prepared += 1;
      if (prepared > 1) await failsSoon();
    },
    commit: waitsForEver,
  });
  await expect(loop.run()).rejects.toThrow('a bug');
});

it('the loop beats while a batch waits for the database and another one is filled', async () => {
  const { loop, beats } = loopOf(
    { prepare: async () => undefined, commit: waitsForEver },
    Infinity,
  );
  void loop.run();
  await expect.poll(beats).toBeGreaterThan(100);
  loop.stop();
});

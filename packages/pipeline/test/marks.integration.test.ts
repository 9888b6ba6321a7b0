import { releaseSources } from '@adtally/db';
import type { Deduplicator } from '@adtally/dedup';
import { VERDICT } from '@adtally/event-schema';
import { answersCommit, proxyFor, sendsCommit } from '@adtally/testkit';
import { expect, it } from 'vitest';
import { useBench } from './support/bench.ts';
import { EVERYTHING_NEW, remembering, UNASKED } from './support/predictions.ts';
import type { TestWriter } from './support/test-writer.ts';

const bench = useBench();

const fallbacks = (writer: TestWriter) => writer.counter('adtally_copy_fallbacks_total');
const verified = (writer: TestWriter) =>
  writer.counter('adtally_routed_events_total', { route: 'verified' });

it('a batch prepared before the one ahead of it is committed is told of its keys', async () => {
  const log = await bench.log();
  log.append(0, log.manyShown(4));
  log.append(0, log.manyShown(6));
  const writer = bench.writer(log, { dedup: remembering() });
  await writer.claim(0);
  const ahead = writer.work(log.read(0, 0, 4));
  const behind = writer.work(log.read(0, 4));
  await writer.committer.prepare(ahead, writer.abandon.signal);
  await writer.committer.prepare(behind, writer.abandon.signal);
  await writer.commit(ahead);
  await writer.commit(behind);
  expect(await bench.totals(log)).toMatchObject({ consumed: 10, stored: 6, duplicate: 4 });
  expect([await verified(writer), await fallbacks(writer)]).toEqual([4, 0]);
  await bench.expectSound();
});

it('I10: keys whose commit was fenced are known in vain: the next owner counts every event', async () => {
  const log = await bench.log(2);
  log.append(0, log.manyShown(4));
  log.append(1, log.manyShown(3, 100));
  const dedup = remembering();
  const writer = bench.writer(log, { dedup });
  const [lost] = await writer.claim(0, 1);
  const work = writer.work(log.records);
  await releaseSources(await writer.link.session(writer.abandon.signal), [lost as never]);
  const next = bench.writer(log, { dedup });
  await next.claim(0);
  expect((await writer.commit(work)).fenced).toEqual([log.sourceId(0)]);
  await next.drain();
  expect(await bench.totals(log)).toMatchObject({ consumed: 7, stored: 7, duplicate: 0 });
  expect([await verified(next), await fallbacks(next)]).toEqual([4, 0]);
  await bench.expectSound();
});

it('I10: keys whose commit failed, or whose answer was lost, are counted once all the same', async () => {
  await using proxy = await proxyFor(bench.url);
  const log = await bench.log();
  const dedup = remembering();
  const writer = bench.writer(log, { dedup, databaseUrl: proxy.urlFor(bench.url) });
  await writer.claim(0);
  log.append(0, log.manyShown(4));
  const cut = proxy.cutBeforeAnswerTo(sendsCommit, answersCommit);
  await writer.drain();
  await cut;
  expect(await writer.ambiguous('committed')).toBe(1);
  log.append(0, log.manyShown(4, 10));
  await bench.control.query(
    'ALTER TABLE ledger ADD CONSTRAINT refuses CHECK (end_offset < 5) NOT VALID',
  );
  await expect(writer.drain()).rejects.toMatchObject({ failure: { kind: 'bug' } });
  await bench.control.query('ALTER TABLE ledger DROP CONSTRAINT refuses');
  log.append(0, log.manyShown(4));
  await writer.claim(0);
  await writer.drain();
  expect(await bench.totals(log)).toMatchObject({ consumed: 12, stored: 8, duplicate: 4 });
  expect(await fallbacks(writer)).toBe(0);
  await bench.expectSound();
});

it('I10: of rows that nobody was asked for one that was stored already fails one batch, and no other', async () => {
  const log = await bench.log();
  const writer = bench.writer(log, { dedup: UNASKED });
  await writer.claim(0);
  log.append(0, log.manyShown(6));
  await writer.drain();
  expect(await fallbacks(writer)).toBe(0);
  for (const shown of [log.manyShown(3), log.manyShown(3, 3), log.manyShown(2, 10)]) {
    log.append(0, shown);
    await writer.drain();
    expect(await fallbacks(writer)).toBe(1);
  }
  expect(await bench.totals(log)).toMatchObject({ consumed: 14, stored: 8, duplicate: 6 });
  await bench.expectSound();
});

it('were a key dropped because Redis has seen it, the ledger would refuse the batch', async () => {
  const log = await bench.log();
  log.append(0, log.manyShown(4));
  const believing: Deduplicator = {
    ...EVERYTHING_NEW,
    async route(batch) {
      batch.verdict[2] = VERDICT.dropped;
      return { fast: 0, verified: batch.count - 1, unasked: 0, outcome: 'answered' };
    },
  };
  const writer = bench.writer(log, { dedup: believing });
  await writer.claim(0);
  await expect(writer.drain()).rejects.toMatchObject({
    failure: { kind: 'bug', sqlState: '23514' },
    cause: { constraint: 'ledger_spans' },
  });
  expect(await bench.stored(log)).toEqual([]);
  await bench.expectSound();
});

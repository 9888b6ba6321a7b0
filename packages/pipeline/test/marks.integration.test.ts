import { releaseSources } from '@adtally/db';
import type { Deduplicator } from '@adtally/dedup';
import { VERDICT } from '@adtally/event-schema';
import { answersCommit, proxyFor, sendsCommit } from '@adtally/testkit';
import { expect, it } from 'vitest';
import { useBench } from './support/bench.ts';
import { EVERYTHING_NEW } from './support/predictions.ts';
import { garbage } from './support/records.ts';
import type { TestLog } from './support/test-log.ts';

const bench = useBench();

/** Notes, at each mark, how many keys are marked and where the cursors stand in the database. */
function watchingMarks(log: TestLog): { dedup: Deduplicator; marks: () => Promise<unknown[]> } {
  const marks: Promise<unknown>[] = [];
  const mark: Deduplicator['mark'] = (batch) => {
    const keys = batch.verdict.subarray(0, batch.count).filter((of) => of === VERDICT.event).length;
    const cursors = bench.control.query<{ at: number }>(
      `SELECT next_offset::int AS at FROM cursors WHERE source_id = ANY ($1::int[]) ORDER BY source_id`,
      [log.sourceIds],
    );
    marks.push(cursors.then((rows) => ({ keys, cursors: rows.map(({ at }) => at) })));
  };
  return { dedup: { ...EVERYTHING_NEW, mark }, marks: () => Promise.all(marks) };
}

it('I10: keys are marked once their batch is committed, those of rejections never', async () => {
  const log = await bench.log(2);
  log.append(0, [...log.manyShown(4), garbage()]);
  log.append(1, log.manyShown(3, 100));
  const { dedup, marks } = watchingMarks(log);
  const writer = bench.writer(log, { dedup, dlqTopic: await bench.topic() });
  await writer.claim(0, 1);
  await writer.drain();
  expect(await marks()).toEqual([{ keys: 7, cursors: [5, 3] }]);
});

it('I10: nothing is marked of a partition that was fenced', async () => {
  const log = await bench.log(2);
  log.append(0, log.manyShown(4));
  log.append(1, log.manyShown(3, 100));
  const { dedup, marks } = watchingMarks(log);
  const writer = bench.writer(log, { dedup });
  const [lost] = await writer.claim(0, 1);
  const work = writer.work(log.records);
  await releaseSources(await writer.link.session(writer.abandon.signal), [lost as never]);
  await bench.writer(log).claim(0);
  expect((await writer.commit(work)).fenced).toEqual([log.sourceId(0)]);
  expect(await marks()).toEqual([{ keys: 3, cursors: [0, 3] }]);
});

it('I10: nothing is marked where the commit failed or its answer was lost', async () => {
  await using proxy = await proxyFor(bench.url);
  const log = await bench.log();
  const { dedup, marks } = watchingMarks(log);
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
  expect(await marks()).toEqual([]);
  // What nobody remembers is found in the database.
  log.append(0, log.manyShown(4));
  await writer.claim(0);
  await writer.drain();
  expect(await bench.totals(log)).toMatchObject({ consumed: 12, stored: 8, duplicate: 4 });
  await bench.expectSound();
});

it('were a key dropped because Redis has seen it, the ledger would refuse the batch', async () => {
  const log = await bench.log();
  log.append(0, log.manyShown(4));
  const believing: Deduplicator = {
    ...EVERYTHING_NEW,
    async route(batch) {
      batch.verdict[2] = VERDICT.dropped;
      return { fast: 0, verified: batch.count - 1, outcome: 'answered' };
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

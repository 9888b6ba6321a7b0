import { listSources } from '@adtally/db';
import { openTransaction, produceTransaction } from '@adtally/testkit';
import { expect, test } from 'vitest';
import { stage, type Stage } from './support/stage.ts';
import { expectBalanced } from './support/truth.ts';

const VALUES = [Buffer.from('not an event'), Buffer.from('nor this one')];
const MAY_HAVE_GAPS = { EVENTS_TOPIC_MAY_HAVE_GAPS: 'true' };

async function cursors(the: Stage): Promise<number[]> {
  return (await listSources(the.db)).map(({ nextOffset }) => Number(nextOffset));
}

test('the cursor follows over markers and aborted records at the end of a log, as a gap', async () => {
  const the = await stage({ partitions: 3 });
  await produceTransaction(the.topic, 0, VALUES);
  await (await openTransaction(the.topic, 1, VALUES)).abort();
  const consumer = the.start(MAY_HAVE_GAPS);
  await consumer.until('cursors at the ends of their logs', async () => {
    return JSON.stringify(await cursors(the)) === '[3,3,0]';
  });
  // Under a consumer that has nothing else to read, too.
  await produceTransaction(the.topic, 2, VALUES);
  const open = await openTransaction(the.topic, 0, VALUES);
  await consumer.until('the third one as well', async () => (await cursors(the))[2] === 3);
  expect(await cursors(the)).toEqual([3, 3, 3]);
  await open.commit();
  await consumer.until('the first one, once its transaction ended', async () => {
    return (await cursors(the))[0] === 6;
  });
  expect((await expectBalanced(the)).totals).toMatchObject({ consumed: 6, gap: 6, lost: 0 });
  await consumer.untilMetric('adtally_gap_offsets_total', 6);
  expect(consumer.entries.filter(({ msg }) => msg === 'partition claimed')).toHaveLength(3);
});

test('nothing is missed where retention empties a topic that ends in markers', async () => {
  const the = await stage({ partitions: 1 });
  await produceTransaction(the.topic, 0, VALUES);
  const first = the.start(MAY_HAVE_GAPS);
  await the.untilConsumed(2, first);
  await first.until('cursor at the end', async () => (await cursors(the))[0] === 3);
  await first.stop();
  expect(await the.admin.deleteRecordsBefore(the.topic, 0, 3)).toBe(3);
  const second = the.start(MAY_HAVE_GAPS);
  await second.owns(1);
  await produceTransaction(the.topic, 0, VALUES);
  await the.untilConsumed(4, second);
  expect((await second.status()).halted).toEqual([]);
});

test('I9: a transactional topic that may have no gaps halts by its trailing marker, and says what reads it', async () => {
  const the = await stage({ partitions: 1 });
  await produceTransaction(the.topic, 0, VALUES);
  const consumer = the.start();
  expect(await consumer.halted(0)).toBe('hole');
  expect((await consumer.status()).halted[0]?.detail).toMatch(
    /offset 2 expected, .* goes on at 3: .*EVENTS_TOPIC_MAY_HAVE_GAPS=true/,
  );
  expect(await cursors(the)).toEqual([2]);
});

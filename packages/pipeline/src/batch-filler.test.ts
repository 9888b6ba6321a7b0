import { RecordObjects, type FetchedRecords } from '@adtally/kafka';
import { expect, onTestFinished, test, vi } from 'vitest';
import type { Admission } from './admission.ts';
import { BatchFiller } from './batch-filler.ts';
import { BatchWork } from './batch-work.ts';
import { classify } from './classify.ts';
import { Ownership, type OwnedPartition } from './ownership.ts';

const RULES = { horizonMs: null, partitions: null };
const NO_HURRY = { mayLinger: () => false, mustReturn: () => false };
const ADMITS_ALL: Admission = {
  beforeFetch: () => undefined,
  hold: () => undefined,
  afterClassify: () => undefined,
  afterCommit: () => undefined,
};
const CAPACITY = 2_000;

/** A log of which so much is at hand as a test says. */
class Log {
  atHand = 0;
  fetches = 0;
  #next = 0;

  async read(maxRecords: number): Promise<FetchedRecords> {
    await new Promise((resolve) => setTimeout(resolve, 1));
    this.fetches += 1;
    const count = Math.min(maxRecords, this.atHand);
    this.atHand -= count;
    const records = Array.from({ length: count }, () => ({
      topic: 't',
      partition: 0,
      offset: this.#next++,
      key: null,
      value: Buffer.from('{'),
    }));
    return new RecordObjects(records);
  }

  position(): number {
    return this.#next;
  }
}

function setUp(lingerMs: number) {
  const log = new Log();
  const ownership = new Ownership();
  ownership.grant(0, 0);
  const claim = { partition: 0, sourceId: 1, topicId: 't', epoch: 1 };
  const owned = ownership.own({ ...claim, committedOffset: 0, readOffset: 0 });
  owned.allowance = Number.POSITIVE_INFINITY;
  const options = { classify, lingerMs, mayHaveGaps: false };
  const filler = new BatchFiller(log, ownership, ADMITS_ALL, options);
  const take = filler.fill.bind(filler);
  const fill = async () => {
    const work = new BatchWork<OwnedPartition>(CAPACITY);
    await take(work, RULES, NO_HURRY);
    return work.batch.count;
  };
  return { log, fill };
}

test('what comes after a rest is handed over at once, what follows it waits for company', async () => {
  const { log, fill } = setUp(200);
  log.atHand = 1;
  const startedMs = performance.now();
  expect(await fill()).toBe(1);
  const handedOverMs = performance.now();
  expect(handedOverMs - startedMs).toBeLessThan(150);
  log.atHand = 1;
  setTimeout(() => (log.atHand = 1), 20);
  expect(await fill()).toBe(2);
  expect(performance.now() - handedOverMs).toBeGreaterThan(190);
});

test('a batch grows while there is more at hand, whatever the linger', async () => {
  const { log, fill } = setUp(0);
  log.atHand = 1;
  await fill();
  log.atHand = CAPACITY + 1;
  // However long a busy machine takes for it.
  const clock = vi.spyOn(performance, 'now').mockReturnValue(performance.now());
  onTestFinished(() => clock.mockRestore());
  const { fetches } = log;
  expect(await fill()).toBe(CAPACITY);
  expect(log.fetches - fetches).toBeGreaterThan(1);
});

test('the first batch is what the first fetch brings: with its commit the pause of a start is over', async () => {
  const { log, fill } = setUp(60_000);
  log.atHand = CAPACITY;
  await fill();
  expect(log.fetches).toBe(1);
});

import { createDeduplicator, type DedupEvent, type Deduplicator } from '@adtally/dedup';
import { testRedis, uniqueName, waitFor, type TestRedis } from '@adtally/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { useBench } from './support/bench.ts';
import { predicting, UNASKED } from './support/predictions.ts';
import { garbage } from './support/records.ts';
import type { TestLog } from './support/test-log.ts';
import type { TestWriter } from './support/test-writer.ts';

const bench = useBench();

const BATCHES = 8;
const READY_MS = 5_000;

let redis: TestRedis;
let expected: unknown;

beforeAll(async () => {
  redis = await testRedis();
});
afterAll(() => redis.close());

/** The same input for every run: copies near and far, conflicts, rejections; two partitions. */
async function input(): Promise<TestLog> {
  const log = await bench.log(2);
  for (let batch = 0; batch < BATCHES; batch++) {
    const from = batch * 20;
    for (const partition of [0, 1]) {
      log.append(partition, [
        ...log.manyShown(20, from + partition * 10),
        log.shown(from + 3),
        log.shown(from + 3, { priceMicros: 7n }),
        garbage(),
        log.shown(Math.max(0, from - 17), { priceMicros: batch % 2 === 0 ? 1_500_000n : 9n }),
      ]);
    }
  }
  return log;
}

/** All that the database says of a run, without what differs by construction (ids, times). */
async function finalState(log: TestLog): Promise<unknown> {
  const of = (table: string, more: string) =>
    bench.control.query(
      `SELECT array_position($1::int[], source_id) - 1 AS partition, source_offset::int AS at ${more}
       FROM ${table} WHERE source_id = ANY ($1::int[]) ORDER BY 1, 2`,
      [log.sourceIds],
    );
  return {
    totals: [await bench.totals(log, 0), await bench.totals(log, 1)],
    events: await bench.stored(log),
    conflicts: await of('conflicts', ', length(record_value) AS bytes'),
    letters: await of('dead_letter_refs', ', code'),
  };
}

interface Run {
  readonly dedup: Deduplicator;
  readonly writer: TestWriter;
  readonly log: TestLog;
  readonly events: readonly DedupEvent[];
}

/** Writes the input, batch by batch, through such a deduplicator. */
async function run(
  open: (onEvent: (event: DedupEvent) => void) => Promise<Deduplicator>,
  beforeBatch: (batch: number, writing: Run) => Promise<void> | void = () => undefined,
): Promise<Run> {
  const log = await input();
  const events: DedupEvent[] = [];
  const made = await open((event) => events.push(event));
  try {
    const writer = bench.writer(log, { dedup: made, dlqTopic: await bench.topic() });
    const writing = { writer, log, events, dedup: made };
    await writer.claim(0, 1);
    for (let batch = 0; batch < BATCHES; batch++) {
      await beforeBatch(batch, writing);
      await writer.commit(
        writer.work([...log.read(0, batch * 24, 24), ...log.read(1, batch * 24, 24)]),
      );
    }
    return writing;
  } finally {
    await made.close();
  }
}

function real(): (onEvent: (event: DedupEvent) => void) => Promise<Deduplicator> {
  return async (onEvent) => {
    const dedup = createDeduplicator({
      url: redis.url,
      ttlSeconds: 600,
      keyPrefix: uniqueName('dedup'),
      // No answer is late unless the test makes it so.
      budgetMs: 300,
      onEvent,
    });
    expect(await dedup.ready(READY_MS)).toBe(true);
    return dedup;
  };
}

const fast = (writing: Run) =>
  writing.writer.counter('adtally_routed_events_total', { route: 'fast' });
const fallbacks = (writing: Run) => writing.writer.counter('adtally_copy_fallbacks_total');
const failures = (writing: Run) =>
  writing.events.filter((event) => event.type === 'failure' && event.operation === 'route');

describe('I10: the database ends the same', () => {
  it('with no Redis', async () => {
    const writing = await run(async (onEvent) =>
      createDeduplicator({ url: '', ttlSeconds: 60, keyPrefix: 'none', onEvent }),
    );
    expected = await finalState(writing.log);
    expect(await fast(writing)).toBe(0);
    expect(await bench.totals(writing.log)).toMatchObject({
      consumed: BATCHES * 48,
      dead_lettered: BATCHES * 2,
    });
    const { duplicate, conflict } = await bench.totals(writing.log);
    expect(Math.min(duplicate, conflict)).toBeGreaterThan(10);
    await bench.expectSound();
  });

  it('with a Redis that remembers', async () => {
    const writing = await run(real());
    expect(await fast(writing)).toBeGreaterThan(100);
    expect(await fallbacks(writing)).toBe(0);
    expect(await finalState(writing.log)).toEqual(expected);
  });

  it('with a Redis emptied before every batch', async () => {
    const writing = await run(real(), () => redis.flush());
    expect(await fallbacks(writing)).toBeGreaterThan(2);
    expect(await finalState(writing.log)).toEqual(expected);
  });

  it('with a Redis that claims to have seen everything', async () => {
    const writing = await run(real(), async (batch, { writer, log, dedup }) => {
      if (batch > 0) return;
      // Marks of a process that never committed, on this deduplicator's own keys.
      const other = writer.work(log.records);
      await dedup.route(other.batch);
      for (const owned of writer.ownership.allOwned()) owned.readOffset = 0;
    });
    expect(await fast(writing)).toBe(0);
    expect(failures(writing)).toEqual([]);
    expect(await finalState(writing.log)).toEqual(expected);
  });

  it.each([
    ['everything is new', () => true],
    ['every other key is new', (key: string) => Number.parseInt(key.slice(-1), 16) % 2 === 0],
  ])('with a Redis that lies: %s', async (_what, lie) => {
    const writing = await run(async () => predicting(lie));
    expect(await fast(writing)).toBeGreaterThan(50);
    expect(await fallbacks(writing)).toBeGreaterThan(2);
    expect(await finalState(writing.log)).toEqual(expected);
  });

  it('with a Redis that was not worth a question', async () => {
    const writing = await run(async () => UNASKED);
    expect(await fallbacks(writing)).toBe(1);
    expect(await finalState(writing.log)).toEqual(expected);
  });

  it('with a Redis that dies on the way and comes back empty', async () => {
    const writing = await run(real(), async (batch, { events }) => {
      if (batch === 3) await redis.stop();
      if (batch !== 6) return;
      const before = events.length;
      await redis.start();
      await waitFor(() => events.slice(before).some((event) => event.type === 'connected'), {
        what: 'a new connection',
      });
    });
    expect(failures(writing).length).toBeGreaterThan(0);
    expect(await finalState(writing.log)).toEqual(expected);
  });

  it('with a Redis that freezes on the way', async () => {
    const writing = await run(real(), (batch) => {
      if (batch === 3) redis.freeze();
    }).finally(() => redis.thaw());
    expect(failures(writing)).toContainEqual(expect.objectContaining({ kind: 'timeout' }));
    expect(await finalState(writing.log)).toEqual(expected);
    await bench.expectSound();
  });
});

import { releaseSources } from '@adtally/db';
import { answersCommit, proxyFor, sendsCommit, signal, waitFor } from '@adtally/testkit';
import { describe, expect, it } from 'vitest';
import { useBench } from './support/bench.ts';
import { EVERYTHING_NEW, UNASKED } from './support/predictions.ts';
import { garbage } from './support/records.ts';
import type { TestLog } from './support/test-log.ts';

const bench = useBench();

const FENCED = 'adtally_fenced_total';
/** The lock every commit call takes shared, so that holding it stops a writer between write and commit. */
const GUARD = '4701, 1';

/** Every record of the log was counted once: the ledger tiles it and the rows are what it says. */
async function expectCountedOnce(log: TestLog, stored: number): Promise<void> {
  const counted = await bench.totals(log);
  expect(counted).toMatchObject({ consumed: log.records.length, stored });
  expect(await bench.stored(log)).toHaveLength(stored);
  await bench.expectSound();
}

async function waitingForGuard(): Promise<{ pid: number } | undefined> {
  const [row] = await bench.control.query<{ pid: number }>(
    `SELECT pid FROM pg_stat_activity
     WHERE datname = current_database() AND wait_event_type = 'Lock' AND wait_event = 'advisory'`,
  );
  return row;
}

describe.each([
  ['by COPY', EVERYTHING_NEW],
  ['by a guess', UNASKED],
  ['by INSERT', undefined],
])('two processes that both believe they own a partition, writing %s', (_how, dedup) => {
  const options = dedup === undefined ? {} : { dedup };

  it('I3: the older claim commits nothing when the newer one came before it wrote', async () => {
    const log = await bench.log();
    log.append(0, log.manyShown(30));
    const old = bench.writer(log, options);
    const next = bench.writer(log, options);
    const [owned] = await old.claim(0);
    const work = old.work(log.read(0, 0, 10));
    // It said goodbye, so nobody ends its session: only the compare-and-swap stands against it.
    await releaseSources(await old.link.session(old.abandon.signal), [owned as never]);
    await next.claim(0);
    expect(await old.commit(work)).toEqual({ counts: [], fenced: [log.sourceId(0)] });
    expect(await old.counter(FENCED)).toBe(1);
    expect(await old.counter('adtally_database_errors_total', { class: 'outcome_unknown' })).toBe(
      0,
    );
    await next.drain(7);
    await expectCountedOnce(log, 30);
  });

  it('I3: the older claim commits nothing when the newer one wrote the same range first', async () => {
    const log = await bench.log();
    log.append(0, log.manyShown(10));
    const old = bench.writer(log, options);
    const next = bench.writer(log, options);
    const [owned] = await old.claim(0);
    const work = old.work(log.records);
    await releaseSources(await old.link.session(old.abandon.signal), [owned as never]);
    await next.claim(0);
    await next.drain();
    expect((await old.commit(work)).fenced).toEqual([log.sourceId(0)]);
    await expectCountedOnce(log, 10);
  });

  it('I3: a claim between write and commit ends the writer, whose rows are gone', async () => {
    const log = await bench.log();
    log.append(0, log.manyShown(30));
    const old = bench.writer(log, { ...options, lockTimeoutMs: 9_000 });
    const next = bench.writer(log, options);
    await old.claim(0);
    await bench.control.query(`SELECT pg_advisory_lock(${GUARD})`);
    const writing = old.commit(old.work(log.read(0, 0, 20)));
    const stopped = await waitFor(waitingForGuard, { what: 'the old writer at its commit call' });
    await next.claim(0);
    const left = await bench.control.query('SELECT 1 FROM pg_stat_activity WHERE pid = $1::int', [
      stopped.pid,
    ]);
    expect(left).toEqual([]);
    await bench.control.query(`SELECT pg_advisory_unlock(${GUARD})`);
    expect((await writing).fenced).toEqual([log.sourceId(0)]);
    expect(await old.ambiguous('fenced')).toBe(1);
    await next.drain();
    await expectCountedOnce(log, 30);
  });

  it('I3: a claim after a commit whose answer was lost goes on behind it', async () => {
    const log = await bench.log();
    log.append(0, log.manyShown(30));
    await using proxy = await proxyFor(bench.url);
    const old = bench.writer(log, { ...options, databaseUrl: proxy.urlFor(bench.url) });
    const next = bench.writer(log, options);
    await old.claim(0);
    const cut = proxy.cutBeforeAnswerTo(sendsCommit, answersCommit);
    const gone = signal();
    void cut.then(() => {
      proxy.refuse(true);
      gone.fire();
    });
    const writing = old.commit(old.work(log.read(0, 0, 20)));
    await gone.fired;
    const [owned] = await next.claim(0);
    expect(owned?.committedOffset).toBe(20);
    await next.drain();
    proxy.refuse(false);
    expect((await writing).fenced).toEqual([log.sourceId(0)]);
    expect(await old.ambiguous('fenced')).toBe(1);
    await expectCountedOnce(log, 30);
  });
});

it('I3: one stale partition of three is left out, the others are written once more', async () => {
  const log = await bench.log(3);
  for (const partition of [0, 1, 2]) {
    log.append(partition, [...log.manyShown(10, partition * 100), log.shown(partition * 100)]);
  }
  // A key whose first copy belongs to the stale partition, and a rejection of it.
  log.append(1, [log.shown(777), garbage()]);
  log.append(2, [log.shown(777)]);
  const writer = bench.writer(log, { dedup: EVERYTHING_NEW, dlqTopic: await bench.topic() });
  const other = bench.writer(log, { dlqTopic: await bench.topic() });
  const [, stale] = await writer.claim(0, 1, 2);
  const work = writer.work(log.records);
  await releaseSources(await writer.link.session(writer.abandon.signal), [stale as never]);
  await other.claim(1);
  const { counts, fenced } = await writer.commit(work);
  expect(fenced).toEqual([log.sourceId(1)]);
  expect(counts).toMatchObject([
    { sourceId: log.sourceId(0), stored: 10, duplicate: 1 },
    { sourceId: log.sourceId(2), stored: 11, duplicate: 1 },
  ]);
  expect(await writer.counter(FENCED)).toBe(1);
  expect(await bench.totals(log, 1)).toMatchObject({ consumed: 0 });
  await other.drain();
  expect(await bench.totals(log, 1)).toMatchObject({ stored: 10, duplicate: 2, dead_lettered: 1 });
  await expectCountedOnce(log, 31);
});

it('I6: a batch whose references and conflicts the new owner has written already is fenced, not a bug', async () => {
  const log = await bench.log(2);
  log.append(0, [log.shown(1), log.shown(1, { priceMicros: 2n }), garbage()]);
  log.append(1, [log.shown(3)]);
  const old = bench.writer(log, { dlqTopic: await bench.topic() });
  const next = bench.writer(log, { dlqTopic: await bench.topic() });
  const [owned] = await old.claim(0, 1);
  const work = old.work(log.records);
  await releaseSources(await old.link.session(old.abandon.signal), [owned as never]);
  await next.claim(0);
  await next.drain();
  expect((await old.commit(work)).fenced).toEqual([log.sourceId(0)]);
  expect(await bench.totals(log)).toMatchObject({ conflict: 1, dead_lettered: 1 });
  await expectCountedOnce(log, 2);
});

it('I9: a halted partition takes no commit, even of its owner', async () => {
  const log = await bench.log();
  log.append(0, log.manyShown(5));
  const writer = bench.writer(log);
  await writer.claim(0);
  await bench.control.query(
    `UPDATE cursors SET halted_code = 'hole', halted_at = now() WHERE source_id = $1::int`,
    [log.sourceId(0)],
  );
  expect((await writer.commit(writer.work(log.records))).fenced).toEqual([log.sourceId(0)]);
  expect(await bench.stored(log)).toEqual([]);
  await expect(writer.claim(0)).rejects.toThrow('halted');
  await bench.expectSound();
});

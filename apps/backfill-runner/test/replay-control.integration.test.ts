import { setTimeout as sleep } from 'node:timers/promises';
import type { RunOrder } from '@adtally/db';
import { garbage, shown } from '@adtally/pipeline/testing';
import { openTransaction, produceTransaction, truncatePartition, waitFor } from '@adtally/testkit';
import { expect, test } from 'vitest';
import { listReplays } from '../src/replay/runs/find-replays.ts';
import { orderReplay } from '../src/replay/runs/order-replay.ts';
import { many, replayStage, WHY, type ReplayStage } from './support/replay-stage.ts';

/** Each starts several processes, one after the other, and they may share their cores with many. */
const TEST_MS = 300_000;
const WAIT_MS = 120_000;

/** Records of `partitions` that a cursor was moved over, so that a replay finds all of them new. */
async function loseRecords(the: ReplayStage, records: number, partitions: number): Promise<void> {
  for (let partition = 0; partition < partitions; partition += 1) {
    const messages = [
      ...many(records, partition * 10_000),
      ...Array.from({ length: 50 }, () => garbage()),
    ];
    await the.produce(messages, partition);
    await the.ingest.lose(the.db, messages.length, partition);
  }
}

async function offsetsDone(the: ReplayStage): Promise<number> {
  const [row] = await the.rows<{ n: number }>(
    'SELECT coalesce(sum(next_offset - first_offset), 0)::int AS n FROM replay_progress',
  );
  return row?.n ?? 0;
}

const untilDone = (the: ReplayStage, offsets: number) =>
  waitFor(async () => (await offsetsDone(the)) >= offsets, {
    what: `${offsets} offsets`,
    timeoutMs: WAIT_MS,
  });

const order = (the: ReplayStage, what: RunOrder) =>
  orderReplay(the.db, 1n, what, { actor: 'ann', reason: 'a test' });

/** Where it stands once nothing has moved for a second: at most a batch of each worker was in hand. */
async function standsAt(the: ReplayStage): Promise<number> {
  for (let before = -1; ;) {
    const now = await offsetsDone(the);
    if (now === before) return now;
    before = now;
    await sleep(1_000);
  }
}

/** The processes that hold a partition of the latest replay now. */
async function workers(the: ReplayStage): Promise<number> {
  const [replay] = await listReplays(the.db);
  const holders = replay?.partitions.map(({ heldBy }) => heldBy).filter((by) => by !== null);
  return new Set(holders).size;
}

test(
  'I12: two processes share a run; what one that is killed held goes on with the other, exact',
  { timeout: TEST_MS },
  async () => {
    const the = await replayStage({ partitions: 4, env: { BATCH_MAX_EVENTS: '20' } });
    await loseRecords(the, 1_000, 4);
    const slow = ['--parallelism', '2', '--rate', '60'];
    const victim = the.replay(...slow, ...WHY);
    await untilDone(the, 1);
    const heir = the.replay('resume', '1', ...slow, ...WHY);
    const atWork = { what: 'two processes at work', timeoutMs: WAIT_MS };
    await waitFor(async () => (await workers(the)) === 2, atWork);
    await untilDone(the, (await offsetsDone(the)) + 40);
    await sleep(Math.random() * 100);
    expect((await victim.kill()).killedBy).toBe('SIGKILL');
    // In the middle of it.
    expect(await offsetsDone(the)).toBeLessThan(4_000);
    const fast = the.replay('resume', '1', '--parallelism', '3', ...WHY);
    const expected = { outcome: 'done', new: 4_000, duplicate: 0, rejected: 200, offsets_left: 0 };
    // Who has nothing left to claim waits for the others, since they may die.
    expect(await Promise.all([fast.result(), heir.result()])).toMatchObject([expected, expected]);
    await the.expectBalanced();
  },
);

test(
  'paused, killed while it is, resumed, cancelled: by order, nothing twice and nothing after',
  { timeout: TEST_MS },
  async () => {
    const the = await replayStage({ partitions: 2, env: { BATCH_MAX_EVENTS: '20' } });
    await loseRecords(the, 1_000, 2);
    const slow = ['--parallelism', '2', '--rate', '40'];
    const victim = the.replay(...slow, ...WHY);
    await untilDone(the, 20);
    await order(the, 'pause');
    const held = await standsAt(the);
    // Its own process goes on.
    await order(the, 'resume');
    await untilDone(the, held + 1);
    const paused = await the.replay('pause', '1', ...WHY).result();
    expect(paused).toMatchObject({ state: 'paused' });
    const left = await standsAt(the);
    expect((await victim.kill()).killedBy).toBe('SIGKILL');
    const second = the.replay('resume', '1', ...slow, ...WHY);
    await untilDone(the, left + 20);
    await order(the, 'cancel');
    expect((await second.ended).code).toBe(3);
    const reached = await offsetsDone(the);
    expect(reached).toBeLessThan(2_000);
    expect(await offsetsDone(the)).toBe(reached);
    await the.expectBalanced();
    const actions = await the.rows<{ action: string }>(
      `SELECT action FROM operator_actions WHERE action LIKE 'replay _%' ORDER BY action_id`,
    );
    const words = ['pause', 'resume', 'pause', 'resume', 'cancel'];
    expect(actions.map(({ action }) => action)).toEqual(words.map((word) => `replay ${word}`));
    // Another one finds the rest.
    expect(await the.replay(...WHY).result()).toMatchObject({ state: 'done', rejected: 100 });
    expect(await the.rows('SELECT FROM events')).toHaveLength(2_000);
    await the.expectBalanced();
  },
);

test(
  'markers and aborted records are a gap, what the log lost meanwhile is missing, and named',
  { timeout: TEST_MS },
  async () => {
    const the = await replayStage({ env: { BATCH_MAX_EVENTS: '10' } });
    const values = (from: number) => [0, 1, 2].map((n) => shown(from + n).value as Buffer);
    await the.produce(many(40));
    await produceTransaction(the.topic, 0, values(100));
    await (await openTransaction(the.topic, 0, values(200))).abort();
    await produceTransaction(the.topic, 0, values(300));
    await (await openTransaction(the.topic, 0, values(400))).abort();
    const end = 40 + 4 * 4;
    await the.ingest.lose(the.db, end);
    const killed = the.replay('--rate', '5', ...WHY);
    await untilDone(the, 5);
    await killed.kill();
    const done = await offsetsDone(the);
    await truncatePartition(the.topic, 0, 38);
    const resumed = the.replay('resume', '1', '--rate', '1000', ...WHY);
    const missing = 38 - done;
    expect(await resumed.result()).toMatchObject({ gap: 10, missing, new: 46 - missing });
    expect((await resumed.ended).stderr).toMatch(
      new RegExp(`"partition":0,"from":${done},"to":38,.*the log has lost offsets`),
    );
    // The reader that is not ours tells the same of what is left.
    const other = await the.replayWith({ RECORD_READER: 'librdkafka' }, ...WHY).result();
    expect(other).toMatchObject({ new: 0, duplicate: 8, gap: 10, offsets_done: end - 38 });
    await the.expectBalanced();
  },
);

import { expect, test } from 'vitest';
import { RecurringTask } from './recurring-task.ts';

/** A promise for a call to come, and what answers it. */
function signal() {
  return Promise.withResolvers<void>();
}

test('runs again and again, one run after the other, also after one that failed', async () => {
  const enough = signal();
  const errors: unknown[] = [];
  let [runs, inHand, atOnceMax] = [0, 0, 0];
  const task = new RecurringTask({
    everyMs: 1,
    run: async () => {
      inHand += 1;
      atOnceMax = Math.max(atOnceMax, inHand);
      await Promise.resolve();
      inHand -= 1;
      runs += 1;
      if (runs === 2) throw new Error('the second');
      if (runs === 5) enough.resolve();
    },
    onError: (error) => errors.push(error),
  });
  task.start();
  task.start();
  await enough.promise;
  await task.stop();
  expect(atOnceMax).toBe(1);
  expect(errors).toEqual([new Error('the second')]);
});

test('a run says when the next is due', async () => {
  const second = signal();
  let runs = 0;
  const task = new RecurringTask({
    everyMs: 3_600_000,
    firstAfterMs: 0,
    run: async () => {
      runs += 1;
      if (runs > 1) second.resolve();
      return 1;
    },
    onError: () => undefined,
  });
  task.start();
  await second.promise;
  await task.stop();
  expect(runs).toBe(2);
});

test('stop tells the run in hand and waits for it; nothing runs afterwards', async () => {
  const [begun, mayEnd] = [signal(), signal()];
  const seen: string[] = [];
  const task = new RecurringTask({
    everyMs: 0,
    run: async (stopping) => {
      stopping.addEventListener('abort', () => seen.push('told'));
      begun.resolve();
      await mayEnd.promise;
      seen.push('ended');
    },
    onError: () => undefined,
  });
  task.start();
  await begun.promise;
  const stopped = task.stop().then(() => seen.push('stopped'));
  mayEnd.resolve();
  await stopped;
  await task.stop();
  task.start();
  await task.stop();
  expect(seen).toEqual(['told', 'ended', 'stopped']);
});

test('what was stopped before its start never runs', async () => {
  let runs = 0;
  const task = new RecurringTask({
    everyMs: 0,
    run: async () => {
      runs += 1;
    },
    onError: () => undefined,
  });
  await task.stop();
  task.start();
  await task.stop();
  expect(runs).toBe(0);
});

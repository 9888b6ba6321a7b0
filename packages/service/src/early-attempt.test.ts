import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { EarlyAttempt } from './early-attempt.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** Attempts that come to what they are told; what was closed is noted. */
function setUp() {
  const under: PromiseWithResolvers<string>[] = [];
  const closed: string[] = [];
  const attempt = new EarlyAttempt<string>(
    async () => {
      const one = Promise.withResolvers<string>();
      under.push(one);
      return await one.promise;
    },
    (opened) => void closed.push(opened),
  );
  const settled = (): Promise<void> => vi.advanceTimersByTimeAsync(0).then(() => undefined);
  return { under, closed, attempt, settled };
}

test('it begins at once, and its success is taken once', async () => {
  const { under, closed, attempt, settled } = setUp();
  expect(under).toHaveLength(1);
  under[0]?.resolve('a');
  await settled();
  expect(await attempt.take()).toBe('a');
  const again = attempt.take();
  expect(under).toHaveLength(2);
  under[1]?.resolve('b');
  expect(await again).toBe('b');
  await vi.advanceTimersByTimeAsync(60_000);
  expect(closed).toEqual([]);
  await attempt.close();
  await attempt.close();
  expect(closed).toEqual(['b']);
});

test("one under way is waited for; a failure that is over by then is nobody's", async () => {
  const first = setUp();
  const taken = first.attempt.take();
  first.under[0]?.reject(new Error('away'));
  await expect(taken).rejects.toThrow('away');
  const second = setUp();
  second.under[0]?.reject(new Error('not yet there'));
  await second.settled();
  const anew = second.attempt.take();
  second.under[1]?.resolve('there');
  expect(await anew).toBe('there');
});

test('what nobody asks for is closed after 5 s, and attempted anew when somebody does', async () => {
  const { under, closed, attempt } = setUp();
  under[0]?.resolve('early');
  await vi.advanceTimersByTimeAsync(4_999);
  expect(closed).toEqual([]);
  await vi.advanceTimersByTimeAsync(1);
  expect(closed).toEqual(['early']);
  const taken = attempt.take();
  under[1]?.resolve('late');
  expect(await taken).toBe('late');
  await attempt.close();
  expect(closed).toEqual(['early', 'late']);
});

test('who closes waits a second at most for an attempt under way, which is closed when it comes', async () => {
  const { under, closed, attempt } = setUp();
  let isClosed = false;
  const closing = attempt.close().then(() => (isClosed = true));
  await vi.advanceTimersByTimeAsync(999);
  expect(isClosed).toBe(false);
  await vi.advanceTimersByTimeAsync(1);
  await closing;
  under[0]?.resolve('late');
  await vi.advanceTimersByTimeAsync(0);
  expect(closed).toEqual(['late']);
  const failing = setUp();
  failing.under[0]?.reject(new Error('away'));
  await failing.attempt.close();
  expect(failing.closed).toEqual([]);
});

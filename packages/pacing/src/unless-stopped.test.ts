import { expect, test } from 'vitest';
import { Abandoned } from './backoff.ts';
import { unlessStopped } from './unless-stopped.ts';

test('resolves and rejects as the work does', async () => {
  const { signal } = new AbortController();
  expect(await unlessStopped(Promise.resolve(7), signal, 'asking')).toBe(7);
  const failure = new Error('no');
  await expect(unlessStopped(Promise.reject(failure), signal, 'asking')).rejects.toBe(failure);
});

test('does not wait for work that never ends once the signal fires, nor where it fired before', async () => {
  const stopping = new AbortController();
  const asked = unlessStopped(new Promise(() => undefined), stopping.signal, 'asking');
  stopping.abort();
  await expect(asked).rejects.toThrow(new Abandoned('asking'));
  await expect(
    unlessStopped(new Promise(() => undefined), stopping.signal, 'asking'),
  ).rejects.toThrow(Abandoned);
});

test('work that fails after it was given up ends nothing', async () => {
  const stopping = new AbortController();
  const work = Promise.withResolvers<never>();
  const asked = unlessStopped(work.promise, stopping.signal, 'asking');
  stopping.abort();
  await expect(asked).rejects.toThrow(Abandoned);
  work.reject(new Error('late'));
  await new Promise((resolve) => setImmediate(resolve));
});

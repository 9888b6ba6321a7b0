import { createLogger } from '@adtally/telemetry';
import { expect, test } from 'vitest';
import { openInOrder } from './closers.ts';

const LOG = createLogger({ service: 'test', level: 'silent' });

test('what was opened is closed in reverse, also past one that fails to close', async () => {
  const closed: string[] = [];
  const opened = await openInOrder(LOG, async (closers) => {
    closers.add(() => void closed.push('first'));
    closers.add(() => {
      throw new Error('will not close');
    });
    closers.add(async () => void closed.push('last'));
    return 'all';
  });
  expect(opened.resources).toBe('all');
  expect(closed).toEqual([]);
  await opened.close();
  await opened.close();
  expect(closed).toEqual(['last', 'first']);
});

test('where a step fails, what was opened before it is closed, and the failure is told', async () => {
  const closed: string[] = [];
  const opening = openInOrder(LOG, async (closers) => {
    closers.add(() => void closed.push('first'));
    await Promise.reject(new Error('the second is away'));
    closers.add(() => void closed.push('second'));
  });
  await expect(opening).rejects.toThrow('the second is away');
  expect(closed).toEqual(['first']);
});

test('what is attempted ahead is closed at its place of the order, taken or not', async () => {
  const closed: string[] = [];
  const close = (opened: string): void => void closed.push(opened);
  const opening = openInOrder(LOG, async (closers) => {
    closers.add(() => close('first'));
    closers.ahead(async () => 'second', close);
    const third = closers.ahead(async () => 'third', close);
    closers.ahead(() => Promise.reject(new Error('the fourth is away')), close);
    closers.add(() => close('last'));
    await third();
    throw new Error('the fifth is away');
  });
  await expect(opening).rejects.toThrow('the fifth is away');
  expect(closed).toEqual(['last', 'third', 'second', 'first']);
});

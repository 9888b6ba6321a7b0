import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { GroupProtocol } from './consumer-config.ts';
import { HastenedHeartbeats } from './hastened-heartbeats.ts';

const ALL = 4;
/** Longer than all of them take. */
const OVER_MS = 450;

function setUp(protocol: GroupProtocol) {
  const sent: string[][] = [];
  const native = { subscribe: (topics: string[]) => void sent.push(topics) };
  const heartbeats = new HastenedHeartbeats(
    native as never,
    { post: () => undefined },
    { topic: 'events', protocol },
  );
  return { sent, heartbeats };
}

test('heartbeats are sent over some moments, each with the subscription as it is', async () => {
  const { sent, heartbeats } = setUp('consumer');
  heartbeats.begin();
  await expect.poll(() => sent).toEqual(Array.from({ length: ALL }, () => ['events']));
  await sleep(OVER_MS);
  expect(sent).toHaveLength(ALL);
});

test('however often they are asked for meanwhile, only as many come once more', async () => {
  const { sent, heartbeats } = setUp('consumer');
  for (let n = 0; n < 100; n += 1) heartbeats.begin();
  await expect.poll(() => sent.length).toBe(2 * ALL);
  await sleep(OVER_MS);
  expect(sent).toHaveLength(2 * ALL);
});

test('none comes after the end, nor with the classic protocol', async () => {
  const ended = setUp('consumer');
  ended.heartbeats.begin();
  ended.heartbeats.begin();
  ended.heartbeats.end();
  const classic = setUp('cooperative-sticky');
  classic.heartbeats.begin();
  await sleep(OVER_MS);
  expect(ended.sent).toEqual([]);
  expect(classic.sent).toEqual([]);
});

test('a client that takes no subscription any more is told of, and ends nothing', async () => {
  const told: unknown[] = [];
  const native = {
    subscribe: () => {
      throw new Error('closing');
    },
  };
  const heartbeats = new HastenedHeartbeats(
    native as never,
    { post: (_kind, error) => void told.push(error) },
    { topic: 'events', protocol: 'consumer' },
  );
  heartbeats.begin();
  await expect.poll(() => told.length).toBe(ALL);
});

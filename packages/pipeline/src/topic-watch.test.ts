import { expect, test } from 'vitest';
import { TopicWatch, type WatchParts } from './topic-watch.ts';
import { Ownership } from './ownership.ts';

test('a watch that is stopped does not wait for brokers that say nothing, and complains of nothing', async () => {
  const asked = Promise.withResolvers<void>();
  const lines: string[] = [];
  const parts = {
    admin: {
      describeTopic: () => {
        asked.resolve();
        return new Promise(() => undefined);
      },
    },
    ownership: new Ownership(),
    log: { warn: (_fields: unknown, line: string) => lines.push(line) },
  } as unknown as WatchParts;
  const watch = new TopicWatch(parts, 'events', 1);
  watch.start();
  await asked.promise;
  await watch.stop();
  expect(lines).toEqual([]);
});

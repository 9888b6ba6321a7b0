import { kafkaBrokers, testTopic } from '@adtally/testkit';
import { expect, test } from 'vitest';
import { Load } from '../src/load.ts';

test('a load can be interrupted while no producer is there, and goes on with another', async () => {
  await using topic = await testTopic({ partitions: 1 });
  const brokers = await kafkaBrokers();
  const load = new Load({ brokers, topic: topic.name, rate: 50, seed: 1 });
  let interruptions = 0;
  const count = async (): Promise<void> => void (interruptions += 1);
  await load.interrupt(count);
  // By now the next producer has not begun: it would take half an hour to end by itself.
  await load.interrupt(count);
  const { unknown } = await load.end();
  expect(interruptions).toBe(2);
  expect(unknown).toBe(0);
});

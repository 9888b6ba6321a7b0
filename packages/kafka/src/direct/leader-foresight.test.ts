import { expect, test } from 'vitest';
import type { Brokers, TopicView } from './brokers.ts';
import { LeaderForesight } from './leader-foresight.ts';

const VIEW: TopicView = {
  topicId: 'a',
  leaders: new Map([
    [0, { nodeId: 1, epoch: 0 }],
    [1, { nodeId: 2, epoch: 0 }],
    [2, { nodeId: 1, epoch: 0 }],
    [3, { nodeId: -1, epoch: 0 }],
  ]),
};

function setUp(describe: () => Promise<TopicView | null>) {
  const asked: (number | string)[] = [];
  const brokers = {
    describe: (topic: string) => {
      asked.push(topic);
      return describe();
    },
    to: async (nodeId: number) => void asked.push(nodeId),
  } as unknown as Brokers;
  return { asked, foresight: new LeaderForesight(brokers, 'events') };
}

test('the topic is described once, and the leaders of what is expected are connected to', async () => {
  const { asked, foresight } = setUp(async () => VIEW);
  await foresight.expect([], null);
  expect(asked).toEqual(['events']);
  await foresight.expect([0, 2, 3, 4], null);
  await foresight.expect([1], null);
  expect(asked).toEqual(['events', 1, 2]);
  // Leaders moved since.
  await foresight.expect([0], { topicId: 'a', leaders: new Map([[0, { nodeId: 3, epoch: 1 }]]) });
  expect(asked).toEqual(['events', 1, 2, 3]);
});

test('what fails is left to those who read, and asked again the next time', async () => {
  const answers = [Promise.reject(new Error('away')), Promise.resolve(null), Promise.resolve(VIEW)];
  const { asked, foresight } = setUp(() => answers.shift() as Promise<TopicView | null>);
  for (let n = 0; n < 3; n += 1) await foresight.expect([0], null);
  expect(asked).toEqual(['events', 'events', 'events', 1]);
});

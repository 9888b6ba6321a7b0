import { createLogger, createMetrics } from '@adtally/telemetry';
import { expect, onTestFinished, test } from 'vitest';
import { TOPIC_METRICS } from './metrics.ts';
import type { TopicDescription } from './topic-description.ts';
import { TopicIdentity } from './topic-identity.ts';

const DESCRIBED: TopicDescription = { topicId: 'id', partitions: [] };

/** An identity whose broker answers when the test says so. */
function asked() {
  const answers: PromiseWithResolvers<TopicDescription | null>[] = [];
  const lines: Record<string, unknown>[] = [];
  const write = (line: string) => void lines.push(JSON.parse(line) as Record<string, unknown>);
  const log = createLogger({ service: 'test', level: 'info', destination: { write } });
  const metrics = createMetrics({ service: 'test', version: '0', definitions: TOPIC_METRICS });
  onTestFinished(() => metrics.shutdown());
  const describeTopic = () => {
    const answer = Promise.withResolvers<TopicDescription | null>();
    answers.push(answer);
    return answer.promise;
  };
  const identity = new TopicIdentity({ admin: { describeTopic }, metrics, log }, 'events');
  const unconfirmed = async () =>
    Number(/^adtally_unconfirmed_batches_total\S* (\d+)/m.exec(await metrics.render())?.[1] ?? 0);
  return { identity, answers, lines, unconfirmed };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

test('an answer in time is handed over, and nothing is said', async () => {
  const { identity, answers, lines, unconfirmed } = asked();
  const heard: unknown[] = [];
  const confirming = identity.confirm((described) => heard.push(described));
  answers[0]?.resolve(DESCRIBED);
  await confirming;
  expect(heard).toEqual([DESCRIBED]);
  expect([lines, await unconfirmed()]).toEqual([[], 0]);
});

test('a slow broker holds up one batch for a second and no other; it is said once, and each batch counted', async () => {
  const { identity, answers, lines, unconfirmed } = asked();
  const heard: unknown[] = [];
  await identity.confirm((described) => heard.push(described));
  await identity.confirm(() => heard.push('of the second'));
  expect([answers.length, heard, await unconfirmed()]).toEqual([1, [], 2]);
  expect(lines).toMatchObject([
    { level: 'warn', topic: 'events', reason: 'no answer in 1000 ms', batches: 1 },
  ]);
  // Late, and still heard.
  answers[0]?.resolve(null);
  await turn();
  expect(heard).toEqual([null]);
  expect(lines.at(-1)).toMatchObject({ msg: 'batches are confirmed again', batches: 2 });
});

test('an answer that is awaited when nobody needs it any more is told to nobody, nor that it did not come', async () => {
  const { identity, answers, lines, unconfirmed } = asked();
  const heard: unknown[] = [];
  void identity.confirm((described) => heard.push(described));
  identity.close();
  answers[0]?.reject(new Error('the client is closed'));
  await turn();
  expect([heard, lines, await unconfirmed()]).toEqual([[], [], 0]);
});

test('a broker that refuses is told in its own words', async () => {
  const { identity, answers, lines, unconfirmed } = asked();
  const confirming = identity.confirm(() => undefined);
  answers[0]?.reject(new Error('topic authorization failed'));
  await confirming;
  expect(lines).toMatchObject([{ level: 'warn', reason: 'topic authorization failed' }]);
  expect(await unconfirmed()).toBe(1);
});

import { KafkaAdmin } from '@adtally/kafka';
import { WorkBook, type ServerStanding } from '@adtally/service';
import { createLogger } from '@adtally/telemetry';
import { kafkaBrokers } from '@adtally/testkit';
import { expect, test } from 'vitest';
import { DeadTopicLoop, type DeadTopicParts } from '../src/dead-topic/dead-topic-loop.ts';
import { Bell } from '../src/bell.ts';

test('whoever stops does not wait for brokers that say nothing', async () => {
  const kafka = { brokers: await kafkaBrokers(), clientId: 'alerter-test', security: {} };
  const asked = Promise.withResolvers<void>();
  const admin = {
    describeTopic: () => {
      asked.resolve();
      return new Promise(() => undefined);
    },
  } as unknown as KafkaAdmin;
  const parts: Partial<DeadTopicParts> = {
    kafka,
    admin,
    brokers: {} as ServerStanding,
    settings: { topic: 'a-topic' } as DeadTopicParts['settings'],
    topicCheckMs: 1,
    owner: 'test',
    bell: new Bell(),
    book: new WorkBook(),
    log: createLogger({ service: 'test', level: 'silent' }),
    beat: () => undefined,
  };
  const loop = new DeadTopicLoop(parts as DeadTopicParts);
  const stopping = new AbortController();
  const running = loop.run(stopping.signal);
  await asked.promise;
  stopping.abort();
  expect(await running).toBeUndefined();
});

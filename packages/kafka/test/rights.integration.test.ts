import {
  grant,
  hasKafkaServer,
  kafkaCluster,
  produceRecords,
  testTopic,
  waitFor,
} from '@adtally/testkit';
import { afterAll, describe, expect, onTestFinished, test } from 'vitest';
import {
  AckedProducer,
  GroupConsumer,
  KafkaAdmin,
  type KafkaError,
  type KafkaSettings,
  TopicReader,
} from '../src/index.ts';
import { askTopicRights } from '../src/direct/topic-rights.ts';
import { PROTOCOLS } from './support.ts';

const PASSWORD = 'canary-5512';
const SAID_MS = 30_000;
const CONNECT_TIMEOUT_MS = 3_000;
const TRIES = { requestTimeoutMs: CONNECT_TIMEOUT_MS, connectTimeoutMs: CONNECT_TIMEOUT_MS };

describe.runIf(hasKafkaServer())(
  'a cluster that asks who comes',
  { timeout: 120_000 },
  async () => {
    if (!hasKafkaServer()) return;
    const own = await kafkaCluster({ users: { member: PASSWORD }, acls: true });
    afterAll(() => own.close());

    function settings(overrides: KafkaSettings['security'] = {}): KafkaSettings {
      const security = {
        'security.protocol': 'sasl_plaintext',
        'sasl.mechanism': 'PLAIN',
        'sasl.username': 'member',
        'sasl.password': () => PASSWORD,
        ...overrides,
      };
      return { brokers: own.brokers, clientId: 'adtally-test', security };
    }

    const newTopic = () => testTopic({ partitions: 1, brokers: own.internalBrokers });

    test.each([
      ['password', { 'sasl.password': () => 'canary-wrong' }, /Authentication failed/i],
      ['mechanism', { 'sasl.mechanism': 'SCRAM-SHA-512' }, /mechanism/i],
      ['protocol', { 'security.protocol': 'plaintext' }, /Disconnected|connection|Broken pipe/i],
    ])('a wrong %s is what every client says, and no password', async (_, wrong, words) => {
      const refused = settings(wrong as KafkaSettings['security']);
      const admin = new KafkaAdmin(refused, TRIES);
      onTestFinished(() => admin.close());
      const asked = [
        admin.describeTopic('any'),
        AckedProducer.connect(refused, TRIES),
        TopicReader.connect(refused, { topic: 'any', ...TRIES }),
        GroupConsumer.connect(refused, {
          topic: 'any',
          groupId: 'any',
          protocol: 'consumer',
          ...TRIES,
        }),
      ];
      for (const answer of await Promise.allSettled(asked)) {
        const { reason } = answer as PromiseRejectedResult;
        expect(String(reason)).toMatch(words);
        expect((reason as KafkaError).trouble?.message).toMatch(words);
        expect(`${String(reason)} ${String((reason as KafkaError).cause)}`).not.toContain('canary');
      }
    });

    describe.each(PROTOCOLS)('a member with the %s protocol', (protocol) => {
      async function member(topic: string): Promise<GroupConsumer> {
        const joined = await GroupConsumer.connect(settings(), { topic, groupId: topic, protocol });
        onTestFinished(() => joined.leave());
        return joined;
      }

      async function pump(one: GroupConsumer, until: () => boolean, what: string): Promise<void> {
        const turn = async (): Promise<boolean> => {
          await one.fetch(10, 50);
          for (const event of one.takeRebalances()) {
            one.settle(event);
            if (event.kind === 'granted') for (const each of event.partitions) one.start(each, 0);
          }
          return until();
        };
        await waitFor(turn, { what, timeoutMs: SAID_MS, intervalMs: 0 });
      }

      test('says that it may not read the topic, and reads once it may', async () => {
        const { name: topic } = await newTopic();
        await grant(own, 'member', { group: topic }, 'READ');
        const one = await member(topic);
        await pump(one, () => one.trouble !== null, 'words about the topic');
        expect(one.trouble).toMatchObject({
          code: 'topic_authorization',
          message: expect.stringContaining(topic),
        });
        await grant(own, 'member', { topic }, 'READ');
        await produceRecords(
          topic,
          [{ partition: 0, value: Buffer.from('v') }],
          own.internalBrokers,
        );
        await pump(one, () => one.trouble === null, 'nothing to complain of');
      });

      test('says that it may not join the group', async () => {
        const { name: topic } = await newTopic();
        await grant(own, 'member', { topic }, 'READ');
        const one = await member(topic);
        const said = await pump(one, () => one.trouble !== null, 'words about the group').then(
          () => one.trouble?.message,
          (error: unknown) => String(error),
        );
        expect(said).toMatch(/group authorization failed/i);
        expect(one.trouble?.code).toBe('group_authorization');
      });
    });

    test.each([9, 10, 11, 12])('rights are told in version %i of the request', async (version) => {
      const { name: topic } = await newTopic();
      await grant(own, 'member', { topic }, 'READ');
      const isTold = async () =>
        (await askTopicRights(settings(), [topic], version)).get(topic)?.has('READ');
      await waitFor(isTold, { what: 'the right to read', timeoutMs: SAID_MS });
      const rights = await askTopicRights(settings(), [topic], version);
      expect(rights).toEqual(new Map([[topic, new Set(['READ'])]]));
    });

    test('the administration client says that it may not see a topic', async () => {
      const { name: topic } = await newTopic();
      const admin = new KafkaAdmin(settings());
      onTestFinished(() => admin.close());
      const named = /topic authorization failed/i;
      await expect(admin.describeTopic(topic)).rejects.toThrow(named);
      await expect(admin.watermarks(topic, 0)).rejects.toThrow(named);
      await expect(admin.watermarksOf(topic, [0])).rejects.toThrow(named);
      await grant(own, 'member', { topic }, 'DESCRIBE');
      await waitFor(async () => (await admin.describeTopic(topic).catch(() => null)) !== null, {
        what: 'the topic to be seen',
        timeoutMs: SAID_MS,
      });
    });
  },
);

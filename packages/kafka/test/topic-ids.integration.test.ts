import { hasKafkaServer, kafkaCluster, testTopic, waitFor } from '@adtally/testkit';
import { expect, onTestFinished, test } from 'vitest';
import { DirectReader } from '../src/direct/direct-reader.ts';
import { KafkaAdmin, kafkaFailure, type KafkaSettings, withKafkaAdmin } from '../src/index.ts';

const METADATA = 3;
const BEFORE_TOPIC_IDS = 9;
const TIMEOUT_MS = 60_000;
const SAID_MS = 20_000;

/**
 * Makes an answer to ApiVersions say what a broker without topic ids says: its entries are a key and the oldest and
 * newest version, two bytes each.
 */
function withOldMetadata(answer: Buffer, newest: number): void {
  const entry = Buffer.from([0, METADATA, 0, 0, 0, newest]);
  const at = answer.indexOf(entry);
  if (at >= 0) answer.writeInt16BE(BEFORE_TOPIC_IDS, at + 4);
}

test.runIf(hasKafkaServer())(
  'a topic whose id no broker tells is refused by name, and passes for no other topic',
  { timeout: TIMEOUT_MS },
  async () => {
    await using own = await kafkaCluster({ proxied: true });
    await using topic = await testTopic({ partitions: 1, brokers: own.internalBrokers });
    const settings: KafkaSettings = {
      brokers: own.brokers,
      clientId: 'adtally-test',
      security: {},
    };
    const before = new KafkaAdmin(settings);
    onTestFinished(() => before.close());
    const known = await before.describeTopic(topic.name);
    const reader = new DirectReader(settings, { topic: topic.name, bufferBytes: 1024 * 1024 });
    onTestFinished(() => reader.close());

    own.proxy(1).onServerData((bytes) => {
      for (let newest = BEFORE_TOPIC_IDS + 1; newest <= 20; newest += 1)
        withOldMetadata(bytes, newest);
      return 'forward';
    });
    own.proxy(1).cutAll();
    const admin = new KafkaAdmin(settings);
    onTestFinished(() => admin.close());
    const error = await admin.describeTopic(topic.name).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      message: expect.stringMatching(
        new RegExp(`^describe ${topic.name}: the brokers in KAFKA_BROKERS give topics no id`),
      ),
    });
    // Exit 78 of a service that starts, and of a command.
    expect(kafkaFailure(error)).toMatchObject({ kind: 'hopeless', code: 'not_supported' });
    await expect(
      withKafkaAdmin(settings, (one) => one.describeTopic(topic.name)),
    ).rejects.toMatchObject({ name: 'CommandError', exitCode: 78 });

    // What was claimed under an id is not given up for a broker that knows none.
    reader.start(0, 0, { topicId: known?.topicId });
    const said = () => reader.hindrances().get(0)?.detail;
    await waitFor(said, { what: 'a hindrance', timeoutMs: SAID_MS });
    expect(said()).toContain('no id');
    expect(reader.faults().size).toBe(0);
  },
);

import { kafkaBrokers } from '@adtally/testkit';
import { expect, test } from 'vitest';
import { nameOf, placeKeys, runExample, SUBJECTS, versionOf } from '../src/index.ts';

const brokers = await kafkaBrokers();

/** The clients that are installed anyway; all others by `./dev matrix producers`. */
const EXPECTED: Readonly<Record<string, object>> = {
  'node/confluent-native': { explainedBy: 'crc32' },
  'node/confluent-promises-kafkajs': { asJava: 200 },
  'node/kafkajs': { asJava: 200 },
  'node/kafkajs-legacy': { explainedBy: 'kafkajs_legacy' },
  'node/platformatic': { explainedBy: 'murmur2_unsigned' },
  'node/platformatic-compatible': { asJava: 200 },
};

test.concurrent.each(SUBJECTS.filter((subject) => nameOf(subject) in EXPECTED))(
  '$client, $words: keys come where docs/producers says',
  async (subject) => {
    const placed = await placeKeys(brokers, subject);
    expect(placed).toMatchObject({ keyForm: 'canonical', ...EXPECTED[nameOf(subject)] });
  },
);

test.concurrent('the example in TypeScript is right by ops check-producer', async () => {
  await expect(runExample(brokers, 'typescript')).resolves.toBeUndefined();
});

test('every client has a version', () => {
  expect(SUBJECTS.map(({ pinned }) => versionOf(pinned))).not.toContain('');
});

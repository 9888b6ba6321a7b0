import { expect, test } from 'vitest';
import { topicIdText } from './topic-id.ts';

test('a topic id is written as Kafka writes a Uuid, sign bits included', () => {
  // Values of Kafka's own Uuid class: METADATA_TOPIC_ID is (0, 1).
  expect(topicIdText({ mostSignificantBits: 0n, leastSignificantBits: 1n })).toBe(
    'AAAAAAAAAAAAAAAAAAAAAQ',
  );
  expect(topicIdText({ mostSignificantBits: -1n, leastSignificantBits: -1n })).toBe(
    '_____________________w',
  );
});

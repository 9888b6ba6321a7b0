import { describe, expect, it } from 'vitest';
import { readTopics } from './topics.ts';

describe('the topic registry', () => {
  it('gives the documented names and partitions by default', () => {
    expect(readTopics({})).toEqual({
      events: { logical: 'events', name: 'ad-events', partitions: 12 },
      dlq: { logical: 'dlq', name: 'ad-events.dlq', partitions: 12 },
      dead: { logical: 'dead', name: 'ad-events.dead', partitions: 1 },
    });
  });

  it('takes names from the environment, and the default where a variable is empty', () => {
    const topics = readTopics({ EVENTS_TOPIC: 'a', DLQ_TOPIC: '', DEAD_TOPIC: 'c.dead' });
    expect([topics.events.name, topics.dlq.name, topics.dead.name]).toEqual([
      'a',
      'ad-events.dlq',
      'c.dead',
    ]);
  });

  it('refuses illegal names and one topic in two roles, all of them at once', () => {
    expect(() => readTopics({ EVENTS_TOPIC: 'a b', DEAD_TOPIC: 'ad-events.dlq' })).toThrow(
      'EVENTS_TOPIC is not a legal Kafka topic name; DEAD_TOPIC and DLQ_TOPIC name the same topic',
    );
    expect(() => readTopics({ DLQ_TOPIC: '..' })).toThrow('DLQ_TOPIC');
  });
});

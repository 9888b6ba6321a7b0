import { expect, test } from 'vitest';
import { changedRules, DEFAULT_TOPIC_RULES } from './topic-rules.ts';

test('rules are compared one by one, whatever else an object holds', () => {
  const listed = { ...DEFAULT_TOPIC_RULES, changedAt: new Date(0) };
  expect(changedRules(DEFAULT_TOPIC_RULES, listed)).toEqual([]);
  expect(
    changedRules(DEFAULT_TOPIC_RULES, { ...listed, valueFormat: 'auto', futureToleranceMs: 0 }),
  ).toEqual(['valueFormat', 'futureToleranceMs']);
});

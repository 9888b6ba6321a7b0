import { DEAD_LETTER_HEADERS, withAddedHeaders, type SourceRecord } from '@adtally/event-schema';
import { expect, test } from 'vitest';
import { letterOf } from './letters.ts';

const TOPIC_ID = 'BBBBBBBBBBBBBBBBBBBBBB';

function record(added: Record<string, string> | null, offset = 3): SourceRecord {
  return {
    topic: 'dead',
    partition: 1,
    offset,
    key: null,
    value: Buffer.from('a payload'),
    timestamp: 1_000,
    headers: added === null ? [] : withAddedHeaders([{ own: Buffer.from('x') }], added),
  };
}

const ADDED = {
  [DEAD_LETTER_HEADERS.topic]: 'ad-events',
  [DEAD_LETTER_HEADERS.partition]: '4',
  [DEAD_LETTER_HEADERS.offset]: '42',
};
const of = (added: Record<string, string> | null, offset?: number) =>
  letterOf(record(added, offset), TOPIC_ID, 0);

test('a letter is its original coordinate and series, wherever its copies lie', () => {
  const first = of(ADDED);
  expect(first).toMatchObject({
    appendedMs: 1_000,
    partition: 1,
    deadOffset: 3,
    cause: 'unknown cause',
    origin: 'ad-events/4@42',
  });
  expect(of(ADDED, 9).letter).toBe(first.letter);
  expect(of({ ...ADDED, [DEAD_LETTER_HEADERS.series]: '1' }).letter).toBe(first.letter);
  const others = [
    { ...ADDED, [DEAD_LETTER_HEADERS.series]: '2' },
    { ...ADDED, [DEAD_LETTER_HEADERS.offset]: '43' },
    { ...ADDED, [DEAD_LETTER_HEADERS.partition]: '5' },
    { ...ADDED, [DEAD_LETTER_HEADERS.topic]: 'other' },
    { ...ADDED, [DEAD_LETTER_HEADERS.topicId]: 'CCCCCCCCCCCCCCCCCCCCCC' },
  ];
  const ids = new Set([first.letter, ...others.map((added) => of(added).letter)]);
  expect(ids.size).toBe(6);
});

test('with the topic id a letter stays the same one though its topic is called otherwise', () => {
  const withId = { ...ADDED, [DEAD_LETTER_HEADERS.topicId]: 'CCCCCCCCCCCCCCCCCCCCCC' };
  expect(of({ ...withId, [DEAD_LETTER_HEADERS.topic]: 'renamed' }).letter).toBe(of(withId).letter);
});

test.each([
  ['none', null],
  ['a part of them', { [DEAD_LETTER_HEADERS.topic]: 'ad-events' }],
  ['an offset that is no number', { ...ADDED, [DEAD_LETTER_HEADERS.offset]: '4 OR 1' }],
])('a record whose headers are %s stands for itself', (_what, added) => {
  expect(of(added).origin).toBe('dead/1@3');
  expect(of(added, 3).letter).toBe(of(added, 3).letter);
  expect(of(added, 4).letter).not.toBe(of(added, 3).letter);
  expect(letterOf(record(added), 'another topic id', 0).letter).not.toBe(of(added).letter);
});

test('the cause is told in words, by code, field, version and source, its fingerprint beside', () => {
  const H = DEAD_LETTER_HEADERS;
  const code = { ...ADDED, [H.code]: 'missing_field', [H.field]: 'currency' };
  expect(of(code)).toMatchObject({
    cause: 'missing field currency',
    fingerprint: '',
    source: '',
  });
  const fingerprint = '3f9c21aa07be5d44';
  const named = {
    ...record({ ...ADDED, [H.code]: 'schema_mismatch', [H.field]: 'schema_version' }),
    value: Buffer.from('{"schema_version":4,"source":"edge-3"}'),
  };
  expect(letterOf(named, TOPIC_ID, 0)).toMatchObject({
    cause: 'schema version 4 (this build reads 1)',
    source: 'edge-3',
  });
  // Never a bare hash, not even where nothing else is known.
  expect(of({ ...ADDED, [H.fingerprint]: fingerprint })).toMatchObject({
    cause: 'unknown cause',
    fingerprint,
  });
});

test('whatever headers say, the cause is one line and short, and only a fingerprint is one', () => {
  const hostile = `a\u0000b\nc\u202ed\ud800${'x'.repeat(1_000_000)}`;
  const { cause, fingerprint } = of({
    ...ADDED,
    [DEAD_LETTER_HEADERS.code]: hostile,
    [DEAD_LETTER_HEADERS.fingerprint]: `${hostile}; rm -rf /`,
  });
  expect(cause).toMatch(/^a b c d.x+…$/u);
  expect(cause.length).toBe(120);
  expect(fingerprint).toBe('');
  expect(of({ ...ADDED, [DEAD_LETTER_HEADERS.code]: '\n' }).cause).toBe('unknown cause');
});

test('a time that no calendar holds, and none at all, are still times', () => {
  const timed = (timestamp: number | undefined) =>
    letterOf({ ...record(null), timestamp }, TOPIC_ID, 77).appendedMs;
  expect(timed(undefined)).toBe(77);
  expect(timed(-1)).toBe(77);
  expect(new Date(timed(9e18)).getUTCFullYear()).toBe(2100);
});

import { expect, test } from 'vitest';
import { KafkaRequestError } from '../errors.ts';
import { hasMembers } from './group-facts.ts';

test('a group has members or none only where its coordinator says so', () => {
  expect(hasMembers({ errorCode: 0, members: [] }, 'x')).toBe(false);
  expect(hasMembers({ errorCode: 0, members: [{}] }, 'x')).toBe(true);
  expect(() => hasMembers(undefined, 'x')).toThrow(KafkaRequestError);
});

test.each([14, 15, 16, 30])(
  'error %i of a coordinator is not read as a group without members',
  (code) => {
    const told = { errorCode: code, members: [] };
    expect(() => hasMembers(told, 'x')).toThrow(expect.objectContaining({ code }));
  },
);

import { expect, test } from 'vitest';
import { cacheFolder } from './env.ts';
import { parseJavaMajor } from './java.ts';

import { brokersInAnswer, metadataRequest } from './kafka-probe.ts';
import { newClusterId } from './kafka-settings.ts';

test.each([
  ['openjdk version "17.0.15" 2025-04-15', 17],
  ['openjdk version "21" 2023-09-19', 21],
  ['something else 99', undefined],
])('the major version of Java is read from "%s"', (output, major) => {
  expect(parseJavaMajor(output)).toBe(major);
});

test('the cache follows ADTALLY_CACHE, then XDG_CACHE_HOME, then HOME', () => {
  const env = { ADTALLY_CACHE: '/a', XDG_CACHE_HOME: '/x', HOME: '/h' };
  expect(cacheFolder(env)).toBe('/a');
  expect(cacheFolder({ ...env, ADTALLY_CACHE: '' })).toBe('/x/adtally');
  expect(cacheFolder({ HOME: '/h' })).toBe('/h/.cache/adtally');
});

test('a cluster id is 22 characters of base64url and reads as no option', () => {
  for (let round = 0; round < 500; round += 1) {
    expect(newClusterId()).toMatch(/^[A-Za-z0-9_][A-Za-z0-9_-]{21}$/);
  }
});

test('a metadata request is framed by its length; an answer tells how many brokers are there', () => {
  const request = metadataRequest();
  expect(request.readInt32BE(0)).toBe(request.length - 4);
  const answer = Buffer.alloc(12);
  answer.writeInt32BE(1, 4);
  answer.writeInt32BE(1, 8);
  expect(brokersInAnswer(answer)).toBe(1);
  expect(brokersInAnswer(answer.subarray(0, 11))).toBe(0);
  answer.writeInt32BE(2, 4);
  expect(brokersInAnswer(answer)).toBe(0);
});

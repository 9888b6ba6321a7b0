import { expect, test } from 'vitest';
import { maskUrl } from './mask.ts';

test.each([
  ['postgres://user:secret@db:5432/adtally', 'postgres://user:***@db:5432/adtally'],
  ['postgres://user:se@cr@et@db/adtally', 'postgres://user:***@db/adtally'],
  ['postgres://user:se/cr?et@db/adtally', 'postgres://user:***@db/adtally'],
  ['postgres://user@tenant:secret@db/adtally', 'postgres://user@tenant:***@db/adtally'],
  ['redis://:secret@a:1,b:2/0', 'redis://:***@a:1,b:2/0'],
  [
    'postgres://db/adtally?password=secret&sslmode=require',
    'postgres://db/adtally?password=***&sslmode=require',
  ],
  ['postgres://user@db:5432/adtally', 'postgres://user@db:5432/adtally'],
  ['a:9092,b:9092', 'a:9092,b:9092'],
])('%s shows no password', (value, shown) => {
  expect(maskUrl(value)).toBe(shown);
});

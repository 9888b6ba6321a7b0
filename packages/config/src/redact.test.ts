import { expect, test } from 'vitest';
import { keepSecret, redact, redactQuoted } from './redact.ts';

keepSecret(
  'postgres://adtally:p%40ss/wörd"9876@db:5432/adtally?sslpassword=client-key-secret',
  false,
);
keepSecret('redis://:adtally@cache', false);
keepSecret('http://u:basic-pass%20word@hook', false);
keepSecret('short-token', true);
keepSecret('abc', true);
keepSecret('https://hooks.example/services/T0001/B0002/aVeryLongKeyOfAHook', true);

test.each([
  ['as it was given', 'AUTH p%40ss/wörd"9876', 'AUTH ***'],
  ['as a driver reads it', 'password p@ss/wörd"9876 refused', 'password *** refused'],
  ['as an address spells it', 'to p%40ss%2Fw%C3%B6rd%229876', 'to ***'],
  ['amid of words, where it is long', 'xp@ss/wörd"9876x', 'x***x'],
  ['as HTTP spells it', `Basic ${btoa('u:basic-pass word')}`, 'Basic ***'],
  ['of a parameter', 'key client-key-secret', 'key ***'],
  ['of a path', 'POST /services/T0001/B0002/aVeryLongKeyOfAHook', 'POST ***'],
  ['of a part of a path', 'not found: aVeryLongKeyOfAHook', 'not found: ***'],
  ['twice', 'short-token short-token', '*** ***'],
])('a secret is hidden %s', (_how, text, shown) => {
  expect(redact(text)).toBe(shown);
});

test.each([
  'adtally_events_total is of adtallyfoo', // a short one stands alone
  'not-a-short-tokenizer', // also where letters follow it
  'abcdef abc', // too short to be looked for
  'host db, port 5432, of nothing else in the address',
])('other words stay: %s', (text) => {
  expect(redact(text)).toBe(text);
});

test('what a machine reads stays whole: only what is quoted changes', () => {
  keepSecret('12345678', true);
  const line = JSON.stringify({ port: 12_345_678, msg: 'a\n12345678 p@ss/wörd"9876', adtally: 1 });
  expect(JSON.parse(redactQuoted(line))).toEqual({ port: 12_345_678, msg: 'a\n*** ***', '***': 1 });
  const series = 'adtally_x{topic="adtally",partition="3"} 12345678\n';
  expect(redactQuoted(series)).toBe('adtally_x{topic="***",partition="3"} 12345678\n');
});

test('of what changes the last values are hidden, of what never does all; how many there were costs nothing', () => {
  const tokenOf = (n: number): string => `token-of-connection-${n}`;
  for (let n = 0; n < 10_000; n += 1) keepSecret(tokenOf(n), true, 'a password command');
  expect(redact(`${tokenOf(9_999)} ${tokenOf(9_984)}`)).toBe('*** ***');
  expect(redact(tokenOf(9_983))).toBe(tokenOf(9_983));
  // Given again it is the newest.
  keepSecret(tokenOf(9_984), true, 'a password command');
  keepSecret(tokenOf(10_000), true, 'a password command');
  expect(redact(`${tokenOf(9_984)} ${tokenOf(10_000)}`)).toBe('*** ***');
  expect(redact('short-token')).toBe('***');
});

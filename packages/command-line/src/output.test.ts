import { expect, test } from 'vitest';

import { formatTable, jsonText, progressLine } from './output.ts';

function recorder(isTTY: boolean): {
  written: string[];
  target: Parameters<typeof progressLine>[0];
} {
  const written: string[] = [];
  return { written, target: { isTTY, columns: 20, write: (text) => void written.push(text) } };
}

test('columns are as wide as their widest cell, numbers end together', () => {
  const table = formatTable(
    [
      ['name', 'count'],
      ['a', '7'],
      ['longer', '1234567'],
    ],
    new Set([1]),
  );
  expect(table.split('\n')).toEqual(['name      count', 'a             7', 'longer  1234567']);
});

test('JSON steers no terminal, and says what it said', () => {
  const value = { '\u009b31m': 'a\u001b[2J\u009b2J\u202eb\u2066\u007f ä한', n: 7 };
  const text = jsonText({ ...value, large: 2n ** 63n });
  expect(text).not.toMatch(/[\p{Cc}\u202e\u2066]/u);
  expect(JSON.parse(text)).toEqual({ ...value, large: '9223372036854775808' });
});

test('off a terminal, progress is a plain line every 15 s', () => {
  const { written, target } = recorder(false);
  let nowMs = 0;
  const line = progressLine(target, () => nowMs);
  line.update('at once');
  nowMs = 15_000;
  line.update('later');
  line.update('again');
  line.finish('done');
  expect(written).toEqual(['adtally: later\n', 'adtally: done\n']);
});

test('on a terminal, progress overwrites one line, cut to the width', () => {
  const { written, target } = recorder(true);
  let nowMs = 0;
  const line = progressLine(target, () => nowMs);
  line.update('0123456789abcdef');
  nowMs = 100;
  line.update('too early');
  nowMs = 200;
  line.update('two');
  line.finish();
  const clear = '\r\u001B[K';
  expect(written).toEqual([`${clear}adtally: 0123456789`, `${clear}adtally: two`, clear]);
});

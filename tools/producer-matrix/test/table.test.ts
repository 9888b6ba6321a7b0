import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { recordRows, SUBJECTS, type Subject } from '../src/index.ts';

const [one, other] = SUBJECTS as readonly [Subject, Subject, ...Subject[]];

function rowsOf(file: string): string[] {
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('| Java'))
    .map((line) => line.split(' | ').slice(3).join(' | '));
}

test('a row that is run again takes the place of its former result; what is around stays', () => {
  const file = join(mkdtempSync(join(tmpdir(), 'adtally-table-')), 'table.md');
  const marks = '<!-- written by ./dev matrix producers -->\n<!-- end of table -->';
  writeFileSync(file, `before\n${marks}\nafter\n`);
  const all = { asJava: 200, explainedBy: null, keyForm: 'canonical' };
  recordRows(file, [{ subject: other, placed: 'cargo | failed' }], '2026-01-02');
  recordRows(file, [{ subject: one, placed: all }], '2026-01-01');
  const few = { asJava: 17, explainedBy: 'crc32', keyForm: 'quoted' };
  recordRows(file, [{ subject: one, placed: few }], '2026-01-03');
  expect(rowsOf(file)).toEqual([
    '17 of 200 | crc32 | quoted | 2026-01-03 |',
    'not run | cargo failed |  | 2026-01-02 |',
  ]);
  const text = readFileSync(file, 'utf8');
  expect(text).toMatch(/^before\n[\s\S]*\nafter\n$/);
});

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { outcomeOf } from '../src/demo.ts';
import { parseMatrix, recordRow, type MatrixRow } from '../src/table.ts';

const row = (server: string, way: string, words = '1000 events'): MatrixRow => ({
  server,
  way,
  exact: true,
  words,
  date: '2026-11-29',
  commit: 'abc1234',
});

test('a line that is run again takes the place of its former result, versions stay in order', () => {
  const folder = mkdtempSync(join(tmpdir(), 'adtally-matrix-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'matrix.md');
  recordRow(file, row('Kafka 4.10.0', 'plaintext'));
  recordRow(file, row('Kafka 4.9.0', 'TLS', 'other'));
  recordRow(file, row('Kafka 4.9.0', 'plaintext'));
  recordRow(file, { ...row('Kafka 4.10.0', 'plaintext', 'a | b\nc'), exact: false });
  expect(parseMatrix(readFileSync(file, 'utf8'))).toEqual([
    row('Kafka 4.9.0', 'plaintext'),
    row('Kafka 4.9.0', 'TLS', 'other'),
    { ...row('Kafka 4.10.0', 'plaintext', 'a   b c'), exact: false },
  ]);
});

test.each([
  ['', 69, { exact: false, words: 'ended with exit code 69' }],
  ['{"exact":false,"error":"no broker"}', 1, { exact: false, words: 'no broker' }],
  ['{"exact":false,"problems":["a","b"]}', 1, { exact: false, words: 'a; b' }],
  [
    'text\n{"exact":true,"events":1000,"kill":{"takeover_seconds":6.25}}\n',
    0,
    { exact: true, words: '1000 events, take-over after SIGKILL 6.3 s' },
  ],
])('of a demo that printed %j is said', (output, code, outcome) => {
  expect(outcomeOf(output, code)).toEqual(outcome);
});

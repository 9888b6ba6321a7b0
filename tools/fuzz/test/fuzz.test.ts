import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { fuzz, TARGET_NAMES } from '../src/index.ts';
import { runTarget } from '../src/run-target.ts';

const INPUTS = 100_000;
const LIMIT_MS = 900_000;

test(
  'a hundred thousand inputs break nothing, and get past the first look',
  { timeout: LIMIT_MS },
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'adtally-fuzz-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const results = await fuzz({ inputs: INPUTS, seed: 1, folder });
    expect(results.map(({ finding }) => finding)).toEqual(TARGET_NAMES.map(() => null));
    expect(results.reduce((sum, { inputs }) => sum + inputs, 0)).toBeGreaterThanOrEqual(INPUTS);
    const outcomes = Object.fromEntries(
      results.map(({ target, outcomes: of }) => [target, Object.keys(of)]),
    );
    expect(outcomes['decoder']).toEqual(
      expect.arrayContaining(['event', 'missing_field', 'out_of_range']),
    );
    expect(outcomes['record-batches']).toEqual(
      expect.arrayContaining(['drained, records', 'unreadable, records']),
    );
    expect(outcomes['letter-headers']).toContain('letter');
    expect(outcomes['configuration']).toEqual(expect.arrayContaining(['settings', 'refused']));
    expect(outcomes['admin-http']).toEqual(expect.arrayContaining(['status 202', 'status 401']));
  },
);

test.each([
  ['throws', 'Error: seven'],
  ['dies', 'the process ended with exit code 7'],
  ['hangs', 'the process hung'],
])('an input at which the code %s is found', { timeout: LIMIT_MS }, async (how, words) => {
  const module = new URL(`support/${how}.ts`, import.meta.url).href;
  const run = await runTarget({ module, seed: 1, inputs: 5_000, silenceMs: 5_000 });
  expect(run.finding?.words).toContain(words);
  // The same number again: an input is a function of seed and number.
  const again = await runTarget({ module, seed: 1, inputs: 5_000, silenceMs: 5_000 });
  expect(again.finding?.index).toBe(run.finding?.index);
});

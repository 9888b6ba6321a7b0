import { expect, test } from 'vitest';
import { captured } from '../testing/index.ts';
import { type ConnectionCheck, tellConnections } from './check-connections.ts';
import { EXIT } from './exit-codes.ts';

const works: ConnectionCheck = {
  server: 'A (A_URL)',
  attempt: () => Promise.resolve('all of it'),
  explain: () => null,
};
const fails = (kind: 'refused' | 'away'): ConnectionCheck => ({
  server: 'B (B_URL)',
  attempt: () => Promise.reject(new Error('no')),
  explain: () => ({ kind, code: `b_${kind}`, detail: 'it\n  says no' }),
});

test.each([
  [[works], EXIT.success, 'A (A_URL): ok: all of it\n'],
  [[fails('away'), works], EXIT.unavailable, 'B (B_URL): FAILED: it says no (b_away)\n'],
  [[fails('away'), fails('refused')], EXIT.configuration, 'it says no (b_refused)\n'],
  [[{ ...works, attempt: () => Promise.reject(new Error('x')) }], EXIT.failure, 'FAILED: x\n'],
])('a line a server, and the gravest exit code', async (checks, code, line) => {
  const told = await captured(() => tellConnections(checks));
  expect(told.code).toBe(code);
  expect(told.stdout).toContain(line);
  expect(told.stdout.split('\n')).toHaveLength(checks.length + 1);
});

import { buildAdminApp } from '@adtally/service';
import { createLogger, createMetrics } from '@adtally/telemetry';
import { expect, test } from 'vitest';
import { mountBreaker, type BreakerControl } from './breaker-endpoint.ts';

const SETTINGS = { rejectedShare: null, windowRecords: 1_000, recordsPerSecond: 50 };

function app(control: BreakerControl | null, token = '') {
  const host = {
    logger: createLogger({ service: 'test', level: 'silent' }),
    state: () => 'running' as const,
    notReady: () => [],
    work: () => ({ inHand: [], committed: [] }),
    drain: () => undefined,
  };
  const metrics = createMetrics({ service: 'test', version: '0', definitions: {} });
  const mount = (target: Parameters<typeof mountBreaker>[0]) =>
    mountBreaker(target, SETTINGS, () => control);
  return buildAdminApp({ host: '127.0.0.1', port: 0, token, metrics, mount }, host);
}

/** Owns partition 3, and remembers what it was told. */
function ownerOfThree(): BreakerControl & { told: unknown[] } {
  const told: unknown[] = [];
  return {
    told,
    status: () => [],
    force: (force, partition) => {
      told.push({ force, partition });
      return partition === null || partition === 3 ? [3] : [];
    },
  };
}

const post = (control: BreakerControl | null, payload: object | string) =>
  app(control).inject({
    method: 'POST',
    url: '/breaker',
    headers: { 'content-type': 'application/json' },
    payload,
  });

test('one partition or all are forced, and the answer names them', async () => {
  const breakers = ownerOfThree();
  const one = await post(breakers, { partition: 3, force: 'open' });
  expect([one.statusCode, one.json()]).toEqual([202, { force: 'open', partitions: [3] }]);
  expect((await post(breakers, { force: 'auto' })).statusCode).toBe(202);
  expect(breakers.told).toEqual([
    { force: 'open', partition: 3 },
    { force: 'auto', partition: null },
  ]);
});

test.each([
  ['', /Body cannot be empty/],
  ['{', /JSON/],
  ['[]', /JSON object/],
  ['null', /JSON object/],
  [{}, /"force" must be one of open, closed, auto/],
  [{ force: 'on' }, /"force" must be/],
  [{ force: 'open', partition: '3' }, /"partition" must be an integer/],
  [{ force: 'open', partition: -1 }, /"partition" must be an integer/],
  [{ force: 'open', partition: 1.5 }, /"partition" must be an integer/],
  [{ force: 'open', partitions: [3] }, /only "partition" and "force"/],
])('a body that says nothing clear is refused: %j', async (payload, words) => {
  const breakers = ownerOfThree();
  const answer = await post(breakers, payload);
  expect(answer.statusCode).toBe(400);
  expect(answer.json<{ error: string }>().error).toMatch(words);
  expect(breakers.told).toEqual([]);
});

test('a partition of another process is not found, and before the start nothing is', async () => {
  expect((await post(ownerOfThree(), { force: 'open', partition: 4 })).statusCode).toBe(404);
  expect((await post(null, { force: 'open' })).statusCode).toBe(503);
});

test('reading is free, forcing needs the token', async () => {
  const guarded = app(ownerOfThree(), 'a-token');
  const shown = await guarded.inject('/breaker');
  expect(shown.json()).toEqual({
    settings: { rejected_share: 'off', window_records: 1_000, records_per_second: 50 },
    partitions: [],
  });
  const order = { method: 'POST', url: '/breaker', payload: { force: 'open' } } as const;
  expect((await guarded.inject(order)).statusCode).toBe(401);
  const headers = { authorization: 'Bearer a-token' };
  expect((await guarded.inject({ ...order, headers })).statusCode).toBe(202);
});

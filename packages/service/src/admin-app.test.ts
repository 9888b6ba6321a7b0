import { keepSecret } from '@adtally/config';
import { expect, test } from 'vitest';
import { setUp } from '../test/admin-set-up.ts';
import { Heartbeat } from './heartbeat.ts';

test('/livez follows the heartbeat alone, and a drain is left to its deadline', async () => {
  const stuck = new Heartbeat(-1); // any age is too old
  const { app, process } = setUp({ heartbeat: stuck });
  expect((await app.inject('/livez')).statusCode).toBe(503);
  process.state = 'draining';
  expect((await app.inject('/livez')).statusCode).toBe(200);

  const turning = setUp({ heartbeat: new Heartbeat(60_000) });
  turning.process.waiting = ['consumer: database is away'];
  expect((await turning.app.inject('/livez')).statusCode).toBe(200);
});

test('/readyz names what the service waits for', async () => {
  const { app, process } = setUp();
  expect((await app.inject('/readyz')).json()).toEqual({ ready: true, waiting: [] });
  process.waiting = ['consumer: no partitions yet'];
  const answer = await app.inject('/readyz');
  expect(answer.statusCode).toBe(503);
  expect(answer.json()).toEqual({ ready: false, waiting: ['consumer: no partitions yet'] });
});

test('/metrics is Prometheus text', async () => {
  const answer = await setUp().app.inject('/metrics');
  expect(answer.headers['content-type']).toContain('text/plain; version=0.0.4');
  expect(answer.body).toContain('adtally_drain_state 0');
});

test.each([
  ['starting', 'running'],
  ['running', 'running'],
  ['draining', 'draining'],
  ['drained', 'drained'],
] as const)('GET /drain says of a %s process: %s', async (state, shown) => {
  const { app, process } = setUp();
  process.state = state;
  expect((await app.inject('/drain')).json()).toMatchObject({ state: shown });
});

test('GET /drain tells what is in hand, and where each partition goes on after a restart', async () => {
  const { app, process } = setUp();
  expect((await app.inject('/drain')).json()).toEqual({
    state: 'running',
    rows_in_hand: 0,
    in_hand: [],
    committed: [],
  });
  const turn = { what: 'a turn', rows: null };
  const read = { what: 'records of t/0 from offset 5', rows: 7 };
  const more = { what: 'records of t/1 from offset 0', rows: 2 };
  process.work = {
    inHand: [turn, read, more],
    committed: [{ topic: 't', partition: 0, nextOffset: 5 }],
  };
  expect((await app.inject('/drain')).json()).toEqual({
    state: 'running',
    rows_in_hand: 9,
    in_hand: [turn, read, more],
    committed: [{ topic: 't', partition: 0, next_offset: 5 }],
  });
});

test('unknown paths are 404, known paths with another method 405, both JSON', async () => {
  const { app } = setUp();
  const missing = await app.inject('/nothing');
  expect([missing.statusCode, missing.json()]).toEqual([404, { error: 'not found' }]);
  const wrong = await app.inject({ method: 'DELETE', url: '/drain?x=1' });
  expect([wrong.statusCode, wrong.headers.allow]).toEqual([405, 'GET, HEAD, POST']);
  expect((await app.inject({ method: 'POST', url: '/metrics' })).statusCode).toBe(405);
  // Of a route these would be a pattern, and one that is refused.
  for (const url of ['/*rain', '/:a(', '/a*b*', '/drain/', '/:x']) {
    expect([url, (await app.inject({ method: 'POST', url })).statusCode]).toEqual([url, 404]);
  }
});

test('with a token, whatever changes something needs it; reading does not', async () => {
  const { app, process } = setUp({
    token: 't0ken',
    mount: (mounted) => void mounted.post('/redrive', () => ({ done: true })),
  });
  const post = (url: string, authorization?: string) =>
    app.inject({ method: 'POST', url, headers: authorization ? { authorization } : {} });
  expect((await post('/drain')).statusCode).toBe(401);
  expect((await post('/drain', 'Bearer wrong')).statusCode).toBe(401);
  expect((await post('/redrive')).statusCode).toBe(401);
  expect(process.drains).toBe(0);
  expect((await post('/redrive', 'Bearer t0ken')).statusCode).toBe(200);
  expect((await post('/drain', 'Bearer t0ken')).statusCode).toBe(202);
  expect((await app.inject('/metrics')).statusCode).toBe(200);
});

test('a token that changes counts from the next request on', async () => {
  let token = 'the-first';
  const { app } = setUp({ token: () => token });
  const drain = async (given: string): Promise<number> =>
    (
      await app.inject({
        method: 'POST',
        url: '/drain',
        headers: { authorization: `Bearer ${given}` },
      })
    ).statusCode;
  expect(await drain('the-first')).toBe(202);
  token = 'the-second';
  expect(await drain('the-first')).toBe(401);
  expect(await drain('the-second')).toBe(202);
});

test("another site's page cannot drain, and a large body is refused", async () => {
  const { app, process } = setUp();
  const headers = { 'sec-fetch-site': 'cross-site' };
  expect((await app.inject({ method: 'POST', url: '/drain', headers })).statusCode).toBe(403);
  const payload = 'x'.repeat(65 * 1024);
  const large = await app.inject({
    method: 'POST',
    url: '/drain',
    payload,
    headers: { 'content-type': 'text/plain' },
  });
  expect(large.statusCode).toBe(413);
  expect(process.drains).toBe(0);
});

test('a route that fails answers 500 without telling why', async () => {
  const { app } = setUp({
    mount: (mounted) =>
      void mounted.get('/status', () => {
        throw new Error('password is hunter2');
      }),
  });
  const answer = await app.inject('/status');
  expect([answer.statusCode, answer.json()]).toEqual([500, { error: 'internal error' }]);
});

test('no answer holds a secret of this process, whatever a route tells', async () => {
  keepSecret('postgres://adtally:pass-word-of-the-test@db/adtally', false);
  const words = 'password pass-word-of-the-test was refused';
  const { app, process } = setUp({
    mount: (routes) => void routes.get('/status', () => ({ detail: words, adtally_offset: 7 })),
  });
  process.waiting = [words];
  expect((await app.inject('/status')).json()).toEqual({
    detail: 'password *** was refused',
    adtally_offset: 7,
  });
  expect((await app.inject('/readyz')).json().waiting).toEqual(['password *** was refused']);
});

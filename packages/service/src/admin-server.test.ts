import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { signal, stressStartStop, waitFor } from '@adtally/testkit';
import { expect, onTestFinished, test } from 'vitest';
import { setUp } from '../test/admin-set-up.ts';
import type { AdminHost, AdminOptions, FastifyInstance } from './admin-app.ts';
import { AdminServer } from './admin-server.ts';

test('starts and stops at any moment', async () => {
  const { options, host } = setUp();
  await expect(stressStartStop(() => new AdminServer(options, host))).resolves.toBeUndefined();
});

test('POST /drain answers 202 and then drains', async () => {
  const { process, options, host } = setUp();
  const admin = await started(options, host);
  const answer = await fetch(`http://127.0.0.1:${admin.port}/drain`, { method: 'POST' });
  expect([answer.status, await answer.json()]).toEqual([202, { state: 'draining' }]);
  await admin.stop(); // when the answer has gone out
  expect(process.drains).toBe(1);
});

/** Below the time after which connections are closed whatever is asked by them. */
const SOON_MS = 4_000;

async function started(options: AdminOptions, host: AdminHost): Promise<AdminServer> {
  const admin = new AdminServer(options, host);
  onTestFinished(() => admin.stop());
  await admin.start();
  return admin;
}

test('what answers is loaded when somebody asks', async () => {
  let loaded = 0;
  const { options, host } = setUp({ mount: () => void (loaded += 1) });
  loaded = 0;
  const admin = await started(options, host);
  expect(loaded).toBe(0);
  const ask = () => fetch(`http://127.0.0.1:${admin.port}/readyz`);
  const answers = await Promise.all([ask(), ask()]);
  expect(answers.map(({ status }) => status)).toEqual([200, 200]);
  expect(loaded).toBe(1);
});

test('and soon after the start, whether somebody asks or not', { timeout: SOON_MS }, async () => {
  const mounted = signal();
  const { options, host } = setUp();
  await started({ ...options, mount: () => mounted.fire() }, host);
  await expect(mounted.fired).resolves.toBeUndefined();
});

test('what cannot be loaded is a failure, and whoever asks is not left without an answer', async () => {
  const { options, host } = setUp();
  const mount = () => {
    throw new Error('no such module');
  };
  const admin = await started({ ...options, mount }, host);
  expect((await fetch(`http://127.0.0.1:${admin.port}/livez`)).status).toBe(500);
  expect((await admin.failed).message).toBe('no such module');
});

test(
  'what was asked before the stop is answered, and does not hold it up',
  { timeout: SOON_MS },
  async () => {
    const asked = signal();
    const answered = signal();
    const mount = (app: FastifyInstance) =>
      void app.get('/slow', async () => {
        asked.fire();
        await answered.fired;
        return { done: true };
      });
    const { options, host } = setUp();
    const admin = await started({ ...options, mount }, host);
    const asking = fetch(`http://127.0.0.1:${admin.port}/slow`);
    await asked.fired;
    const stopping = admin.stop();
    await turns();
    answered.fire();
    expect(await (await asking).json()).toEqual({ done: true });
    await stopping;
  },
);

test('nor does the first request, for which all is loaded', { timeout: SOON_MS }, async () => {
  const { options, host } = setUp();
  const loading = signal();
  const admin = await started({ ...options, mount: () => loading.fire() }, host);
  const asking = fetch(`http://127.0.0.1:${admin.port}/livez`);
  await loading.fired;
  const stopping = admin.stop();
  expect((await asking).status).toBe(200);
  await stopping;
});

test('nor for long a connection by which nothing is asked', { timeout: 15_000 }, async () => {
  const { options, host } = setUp();
  const admin = await started(options, host);
  const silent = connect(admin.port, '127.0.0.1');
  await once(silent, 'connect');
  await turns();
  const closed = once(silent, 'close');
  await expect(Promise.all([closed, admin.stop()])).resolves.toBeDefined();
});

test('whoever asks for a drain and leaves before it is answered drains too', async () => {
  const { app, process } = setUp();
  await app.ready();
  const server = createServer((request, response) => {
    response.destroy();
    response.once('close', () => app.routing(request, response));
  });
  onTestFinished(() => void server.close());
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  await expect(fetch(`http://127.0.0.1:${port}/drain`, { method: 'POST' })).rejects.toThrow(
    'fetch failed',
  );
  await waitFor(() => process.drains === 1, { what: 'the drain' });
});

/** Of the event loop: what is under way gets some steps further. */
async function turns(): Promise<void> {
  for (let n = 0; n < 3; n += 1) await new Promise((resolve) => setImmediate(resolve));
}

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { signal } from '@adtally/testkit';
import { expect, onTestFinished, test } from 'vitest';

const FIXTURE = new URL('fixtures/app.ts', import.meta.url).pathname;

/** Runs the fixture as a process of its own; log lines come from standard error. */
function launch(env: Record<string, string>, argv: string[] = []) {
  const child = spawn(process.execPath, ['--conditions=@adtally/source', FIXTURE, ...argv], {
    env: { PATH: process.env['PATH'] ?? '', ADMIN_PORT: '0', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const lines: string[] = [];
  const awaited = new Map<string, ReturnType<typeof signal<Record<string, unknown>>>>();
  const logged = (message: string) => {
    const existing = awaited.get(message) ?? signal<Record<string, unknown>>();
    awaited.set(message, existing);
    return existing;
  };
  createInterface({ input: child.stderr }).on('line', (line) => {
    lines.push(line);
    if (!line.startsWith('{')) return;
    const entry = JSON.parse(line) as Record<string, unknown>;
    logged(String(entry['msg'])).fire(entry);
  });
  let output = '';
  child.stdout.on('data', (chunk) => (output += String(chunk)));
  const ended = once(child, 'close').then(([code, killedBy]) => ({
    code,
    killedBy,
    output,
    lines,
  }));
  return {
    kill: (name: NodeJS.Signals) => child.kill(name),
    log: (message: string) => logged(message).fired,
    ended,
  };
}

test.each(['SIGTERM', 'SIGINT'] as const)('%s drains and exits 0', async (name) => {
  const app = launch({ MODE: 'calm' });
  await app.log('running');
  app.kill(name);
  const { code, lines } = await app.ended;
  expect(code).toBe(0);
  expect(lines.some((line) => line.includes('"msg":"drained"'))).toBe(true);
});

test('POST /drain drains and exits 0', async () => {
  const app = launch({ MODE: 'calm' });
  const { port } = await app.log('admin listening');
  await app.log('running');
  const answer = await fetch(`http://127.0.0.1:${String(port)}/drain`, { method: 'POST' });
  expect(answer.status).toBe(202);
  expect((await app.ended).code).toBe(0);
});

test.each([
  ['SIGTERM', 143],
  ['SIGINT', 130],
] as const)('a second signal %s forces the end with %i', async (name, code) => {
  const app = launch({ MODE: 'stuck' });
  await app.log('running');
  app.kill('SIGTERM');
  await app.log('draining');
  app.kill(name);
  expect((await app.ended).code).toBe(code);
});

test('a drain past its deadline is ended by force with exit code 1', async () => {
  const app = launch({ MODE: 'stuck', DRAIN_DEADLINE_MS: '200' });
  await app.log('running');
  app.kill('SIGTERM');
  const { code, lines } = await app.ended;
  expect(code).toBe(1);
  expect(lines.at(-1)).toContain('drain deadline passed');
});

test('a probe is answered while a drain is under way', async () => {
  const app = launch({ MODE: 'stuck' });
  const { port } = await app.log('admin listening');
  await app.log('running');
  app.kill('SIGTERM');
  await app.log('draining');
  const base = `http://127.0.0.1:${String(port)}`;
  expect((await fetch(`${base}/livez`)).status).toBe(200);
  expect((await fetch(`${base}/readyz`)).status).toBe(503);
  expect(await (await fetch(`${base}/drain`)).json()).toEqual({
    state: 'draining',
    rows_in_hand: 0,
    in_hand: [],
    committed: [],
  });
  expect(await (await fetch(`${base}/metrics`)).text()).toContain('adtally_drain_state 1');
});

test.each([
  ['a service that ends by itself', 'fails', 1],
  ['a schema that does not fit', 'refuses', 78],
  ['a rejection nobody caught', 'throws', 1],
  ['an admin server that cannot be loaded', 'unloadable', 1],
] as const)('%s ends the process: MODE=%s exits %i', async (_what, mode, code) => {
  const { code: actual, lines } = await launch({ MODE: mode }).ended;
  expect(actual).toBe(code);
  expect(lines.every((line) => line.startsWith('{'))).toBe(true);
});

test('an admin port in use ends the process: exit 1', async () => {
  const taken = createServer();
  onTestFinished(() => void taken.close());
  await once(taken.listen(0, '127.0.0.1'), 'listening');
  const { port } = taken.address() as AddressInfo;
  const { code, lines } = await launch({ MODE: 'calm', ADMIN_PORT: String(port) }).ended;
  expect(code).toBe(1);
  const told = lines.find((line) => line.includes('admin could not start'));
  expect(told).toContain('EADDRINUSE');
});

test('a wrong configuration names all problems and exits 78', async () => {
  const { code, lines, output } = await launch({ MODE: 'odd', ADMIN_PORT: '70000' }).ended;
  expect(code).toBe(78);
  expect(lines).toEqual([
    'adtally: configuration is wrong:',
    expect.stringContaining('ADMIN_PORT: "70000"'),
    expect.stringContaining('MODE: "odd"'),
  ]);
  expect(output).toBe('');
});

test('--check-config only checks, and prints no secret', async () => {
  const env = { MODE: 'calm', ADMIN_TOKEN: 's3cret' };
  const { code, output, lines } = await launch(env, ['--check-config']).ended;
  expect(code).toBe(0);
  expect(output).toContain('ADMIN_TOKEN=***\n');
  expect(output.trimEnd().endsWith('configuration ok')).toBe(true);
  expect(lines).toEqual([]);
});

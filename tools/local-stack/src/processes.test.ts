import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';

import {
  endProcess,
  identify,
  isRunning,
  logTail,
  parseStartTicks,
  startServer,
} from './processes.ts';

const GRACE_MS = 10_000;
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'adtally-processes-'));
});

afterAll(() => {
  rmSync(folder, { recursive: true });
});

async function startNode(script: string): ReturnType<typeof startServer> {
  return await startServer({
    file: process.execPath,
    args: ['-e', script],
    logFile: join(folder, 'server.log'),
  });
}

const stat = (name: string, state: string): string =>
  `42 (${name}) ${state} 1 42 42 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 987654 60000 700`;

test.each(['java', 'a b', 'a) S 1 (b'])('the start time is found behind the name "%s"', (name) => {
  expect(parseStartTicks(stat(name, 'S'))).toBe(987_654);
});

test('a zombie and an unreadable stat count as no process', () => {
  expect(parseStartTicks(stat('java', 'Z'))).toBeUndefined();
  expect(parseStartTicks('')).toBeUndefined();
});

test('the running process is identified, and is not another one of the same pid', () => {
  const own = identify(process.pid);
  expect(own).toMatchObject({ pid: process.pid });
  if (own === undefined) return;
  expect(isRunning(own)).toBe(true);
  expect(isRunning({ ...own, startTicks: own.startTicks - 1 })).toBe(false);
  expect(isRunning({ ...own, bootId: 'another boot' })).toBe(false);
});

test('a process is ended, and ending it again does nothing', async () => {
  const { identity } = await startNode('setInterval(() => {}, 1000)');
  expect(isRunning(identity)).toBe(true);
  expect(await endProcess(identity, 'SIGTERM', GRACE_MS)).toBe(true);
  expect(isRunning(identity)).toBe(false);
  expect(await endProcess(identity, 'SIGTERM', GRACE_MS)).toBe(false);
});

test('a process whose start time differs from the remembered one is left alone', async () => {
  const { identity } = await startNode('setInterval(() => {}, 1000)');
  try {
    const stale = { ...identity, startTicks: identity.startTicks - 1 };
    expect(await endProcess(stale, 'SIGKILL', GRACE_MS)).toBe(false);
    expect(isRunning(identity)).toBe(true);
  } finally {
    await endProcess(identity, 'SIGKILL', GRACE_MS);
  }
});

test('a process that ignores the signal is killed after the grace time', async () => {
  const { identity } = await startNode(
    "process.on('SIGTERM', () => {}); setInterval(() => {}, 1000)",
  );
  expect(await endProcess(identity, 'SIGTERM', 0)).toBe(true);
  expect(isRunning(identity)).toBe(false);
});

test('a program that does not exist is an error that names it', async () => {
  const start = startServer({
    file: 'no-such-server',
    args: [],
    logFile: join(folder, 'none.log'),
  });
  await expect(start).rejects.toThrow('no-such-server');
});

test('the tail of a missing log is empty', () => {
  expect(logTail(join(folder, 'missing.log'))).toBe('');
});

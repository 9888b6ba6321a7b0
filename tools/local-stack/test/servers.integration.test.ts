import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { exchange } from '@adtally/native-servers';
import { ephemeralPort } from '../src/ports.ts';
import { endProcess, isRunning, startServer } from '../src/processes.ts';
import { redis } from '../src/redis.ts';
import { canEnter, serverUser } from '../src/users.ts';
import { waitReady } from '../src/wait.ts';

const TIMEOUT_MS = 20_000;
const ignore = (): void => undefined;
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'adtally-servers-'));
});

afterAll(() => {
  rmSync(folder, { recursive: true });
});

test('Redis is started on its port, answers with its settings, and is ended', async () => {
  const logFile = join(folder, 'redis.log');
  const ports = [await ephemeralPort()];
  await redis.prepare(ignore);
  const { server } = await redis.launch({
    localFolder: folder,
    logFile,
    ports,
    remembered: undefined,
    report: ignore,
  });
  try {
    await waitReady('Redis', server, logFile, TIMEOUT_MS, () => redis.isReady(ports));
    const question = Buffer.from('CONFIG GET set-max-intset-entries\r\n');
    const answer = await exchange('127.0.0.1', ports[0] ?? 0, question, TIMEOUT_MS);
    expect(answer?.toString()).toContain('8192');
  } finally {
    await endProcess(server.identity, redis.stopSignal, redis.stopGraceMs);
  }
  expect(isRunning(server.identity)).toBe(false);
  expect(await redis.isReady(ports)).toBe(false);
});

async function startNode(script: string, timeoutMs: number): Promise<{ waiting: Promise<void> }> {
  const logFile = join(mkdtempSync(join(folder, 'log-')), 'server.log');
  const server = await startServer({ file: process.execPath, args: ['-e', script], logFile });
  const waiting = waitReady('the server', server, logFile, timeoutMs, async () => false).finally(
    () => endProcess(server.identity, 'SIGKILL', TIMEOUT_MS),
  );
  return { waiting };
}

test('a server that ends while starting is an error with the end of its log', async () => {
  const { waiting } = await startNode(
    "console.error('port is taken'); process.exit(3)",
    TIMEOUT_MS,
  );
  await expect(waiting).rejects.toThrow('port is taken');
});

test('a server that never answers is an error after the given time', async () => {
  const { waiting } = await startNode('setInterval(() => {}, 1000)', 500);
  await expect(waiting).rejects.toThrow('does not answer after 0.5 s');
});

test('a folder that only root may enter is seen as closed to a server of its own user', () => {
  const user = serverUser('postgres');
  // Only root starts servers as somebody else.
  expect(user === undefined).toBe(process.getuid?.() !== 0);
  expect(canEnter('/', user)).toBe(true);
  expect(canEnter(folder, user)).toBe(user === undefined);
});

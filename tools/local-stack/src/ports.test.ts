import { createServer, type Socket } from 'node:net';
import { exchange } from '@adtally/native-servers';
import { expect, test } from 'vitest';

import { accepts, ephemeralPort, isFree, pickPort } from './ports.ts';

const TIMEOUT_MS = 5_000;

function probe(
  free: readonly number[],
  ephemeral: readonly number[],
): Parameters<typeof pickPort>[2] {
  const rest = [...ephemeral];
  return {
    isFree: async (port) => free.includes(port),
    ephemeral: async () => rest.shift() ?? 0,
  };
}

test('the first preferred port that is free is taken', async () => {
  expect(await pickPort([1, 2, 3], new Set(), probe([2, 3], []))).toBe(2);
});

test('a port already picked for the same server is not taken twice', async () => {
  expect(await pickPort([2], new Set([2, 50]), probe([2], [50, 51]))).toBe(51);
});

test('a port in use is seen as such, free again after it is closed', async () => {
  const port = await ephemeralPort();
  expect(await isFree(port)).toBe(true);
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.once('data', () => socket.write('+PONG\r\n'));
  });
  await new Promise<void>((resolve) => {
    server.listen(port, '127.0.0.1', resolve);
  });
  expect(await isFree(port)).toBe(false);
  expect(await accepts(port, TIMEOUT_MS)).toBe(true);
  const answer = await exchange('127.0.0.1', port, Buffer.from('PING\r\n'), TIMEOUT_MS);
  expect(answer?.toString()).toBe('+PONG\r\n');
  await new Promise((resolve) => {
    for (const socket of sockets) socket.destroy();
    server.close(resolve);
  });
  expect(await isFree(port)).toBe(true);
  expect(await accepts(port, TIMEOUT_MS)).toBe(false);
});

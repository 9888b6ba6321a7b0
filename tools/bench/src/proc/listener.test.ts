import { createServer } from 'node:net';
import { expect, test } from 'vitest';
import { listenerPid, listeningInodes } from './listener.ts';

const TABLE = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:4A94 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 111 1
   1: 0100007F:4A94 0100007F:D2F0 01 00000000:00000000 00:00000000 00000000     0        0 222 1
   2: 0100007F:4A95 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 333 1
`;

test('only sockets that listen on that very port count', () => {
  expect(listeningInodes(TABLE, 0x4a94)).toEqual(['111']);
  expect(listeningInodes(TABLE, 80)).toEqual([]);
});

test('the process that listens on a port is found', async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  expect(listenerPid(port)).toBe(process.pid);
  await new Promise((resolve) => server.close(resolve));
  expect(listenerPid(port)).toBeNull();
});

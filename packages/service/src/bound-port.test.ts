import { lookup } from 'node:dns/promises';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { BoundPort } from './bound-port.ts';

async function bound(host: string, port = 0): Promise<BoundPort> {
  const made = await BoundPort.bind(host, port, (_request, response) => response.end('here'));
  onTestFinished(() => made.close());
  return made;
}

test('localhost is answered at every address it has', async () => {
  const { port } = await bound('localhost');
  for (const { address, family } of await lookup('localhost', { all: true })) {
    if (!(await isOurs(address))) continue;
    const host = family === 6 ? `[${address}]` : address;
    expect(await (await fetch(`http://${host}:${port}/`)).text()).toBe('here');
  }
});

test('a port in use is refused', async () => {
  const { port } = await bound('127.0.0.1');
  await expect(bound('127.0.0.1', port)).rejects.toMatchObject({ code: 'EADDRINUSE' });
});

test('a closed port takes nothing, and closes what is idle', { timeout: 10_000 }, async () => {
  const made = await bound('127.0.0.1');
  const url = `http://127.0.0.1:${made.port}/`;
  await (await fetch(url)).text();
  await made.close();
  await expect(fetch(url)).rejects.toThrow('fetch failed');
});

/** Many machines name an IPv6 address of which they have no interface. */
async function isOurs(address: string): Promise<boolean> {
  const server = createServer();
  try {
    await once(server.listen({ host: address, port: 0 }), 'listening');
    return true;
  } catch {
    return false;
  } finally {
    server.close();
  }
}

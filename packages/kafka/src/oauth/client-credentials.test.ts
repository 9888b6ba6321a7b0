import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { clientCredentials } from './client-credentials.ts';

test('an endpoint that breaks off within its answer is away: it refused nobody', async () => {
  const server = createServer((_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.write('{"access_', () => response.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const tokenUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/token`;
  const giver = clientCredentials({ tokenUrl, clientId: 'a', clientSecret: 'canary', scope: '' });
  const { signal } = new AbortController();
  await expect(giver.fetch(signal)).rejects.toThrow(`token endpoint ${tokenUrl} is away: `);
});

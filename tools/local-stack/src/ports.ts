import { createServer } from 'node:net';
import { exchange } from '@adtally/native-servers';

const HOST = '127.0.0.1';

/** True when nothing listens on that port of the loopback address. */
export async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  return await new Promise((resolve) => {
    server.once('error', () => resolve(false));
    server.listen({ host: HOST, port, exclusive: true }, () => server.close(() => resolve(true)));
  });
}

/** Any port that is free now. */
export async function ephemeralPort(): Promise<number> {
  const server = createServer();
  return await new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host: HOST, port: 0 }, () => {
      const address = server.address();
      server.close(() => {
        if (address === null || typeof address === 'string') reject(new Error('no port'));
        else resolve(address.port);
      });
    });
  });
}

export interface PortProbe {
  readonly isFree: (port: number) => Promise<boolean>;
  readonly ephemeral: () => Promise<number>;
}

/** First of `preferred` that is free and not in `taken`; else any free port that is not in `taken`. */
export async function pickPort(
  preferred: readonly number[],
  taken: ReadonlySet<number> = new Set(),
  probe: PortProbe = { isFree, ephemeral: ephemeralPort },
): Promise<number> {
  for (const port of preferred) {
    if (!taken.has(port) && (await probe.isFree(port))) return port;
  }
  for (;;) {
    const port = await probe.ephemeral();
    if (!taken.has(port)) return port;
  }
}

/** True when something on that loopback port lets a connection in. */
export async function accepts(port: number, timeoutMs: number): Promise<boolean> {
  return (await exchange(HOST, port, new Uint8Array(0), timeoutMs)) !== undefined;
}

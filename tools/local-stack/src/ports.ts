import { createServer, connect } from 'node:net';

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

/**
 * Sends bytes to a TCP server and gives the first bytes it answers, undefined when it does not
 * answer within `timeoutMs`. With nothing to send it resolves empty as soon as it is connected.
 */
export async function exchange(
  host: string,
  port: number,
  request: Uint8Array,
  timeoutMs: number,
): Promise<Buffer | undefined> {
  return await new Promise((resolve) => {
    const socket = connect({ host, port });
    const finish = (answer: Buffer | undefined): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(timeoutMs, () => finish(undefined));
    socket.once('error', () => finish(undefined));
    socket.once('close', () => finish(undefined));
    socket.once('data', finish);
    socket.once('connect', () => {
      if (request.length === 0) finish(Buffer.alloc(0));
      else socket.write(request);
    });
  });
}

/** True when something on that loopback port lets a connection in. */
export async function accepts(port: number, timeoutMs: number): Promise<boolean> {
  return (await exchange(HOST, port, new Uint8Array(0), timeoutMs)) !== undefined;
}

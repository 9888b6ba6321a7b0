import { connect } from 'node:net';

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

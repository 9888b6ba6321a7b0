import { connect } from 'node:net';

const LIMIT_MS = 2_000;

/**
 * Sends one inline command over a connection of its own and resolves with the first line of the answer.
 * @throws Error with what Redis says where it refuses, and where it does not answer in time
 */
export async function redisCommand(url: string, words: readonly string[]): Promise<string> {
  const { hostname, port } = new URL(url);
  const line = await new Promise<string>((resolve, reject) => {
    const socket = connect({ host: hostname, port: Number(port) });
    socket.setTimeout(LIMIT_MS, () => socket.destroy(new Error('Redis does not answer')));
    socket.once('error', reject);
    socket.once('data', (answer) => {
      socket.destroy();
      resolve(String(answer).split('\r\n')[0] ?? '');
    });
    socket.write(`${words.join(' ')}\r\n`);
  });
  if (line.startsWith('-')) throw new Error(line.slice(1));
  return line;
}

import { exchange } from '@adtally/native-servers';
import { startServer } from './processes.ts';
import type { Report } from './report.ts';
import type { Launched, Server, StartContext } from './server.ts';
import { ensureRedis } from './toolchain.ts';
import { serverUser } from './users.ts';

const PROBE_TIMEOUT_MS = 1_000;
/** Fingerprints live in intsets: above this many entries Redis would turn a set into a hash table. */
const INTSET_ENTRIES_MAX = 8192;

let command = 'redis-server';

async function prepare(report: Report): Promise<void> {
  command = await ensureRedis(report);
}

async function launch(context: StartContext): Promise<Launched> {
  const [port = 0] = context.ports;
  // Nothing is kept: what Redis forgets only costs a slower write path.
  const persistence = ['--save', '', '--appendonly', 'no'];
  const listen = ['--bind', '127.0.0.1', '--port', String(port), '--daemonize', 'no'];
  const intsets = ['--set-max-intset-entries', String(INTSET_ENTRIES_MAX)];
  const server = await startServer({
    file: command,
    args: [...listen, ...persistence, ...intsets],
    logFile: context.logFile,
    user: serverUser('redis'),
  });
  return { server, dataFolder: undefined };
}

async function isReady([port = 0]: readonly number[]): Promise<boolean> {
  const answer = await exchange('127.0.0.1', port, Buffer.from('PING\r\n'), PROBE_TIMEOUT_MS);
  return answer?.toString().startsWith('+PONG') ?? false;
}

export const redis: Server = {
  name: 'redis',
  title: 'Redis',
  defaultPorts: [26_379],
  readyTimeoutMs: 15_000,
  stopSignal: 'SIGTERM',
  stopGraceMs: 10_000,
  prepare,
  launch,
  isReady,
  url: ([port = 0]) => `redis://127.0.0.1:${port}`,
};

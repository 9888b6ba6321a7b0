import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { Redis } from 'ioredis';
import { redisUrl, SET_MAX_INTSET_ENTRIES } from './servers.ts';
import { waitFor } from './wait.ts';

/** A Redis of its own for one test. */
export interface TestRedis {
  readonly url: string;
  /** False where only a database of a shared server could be had: then stop and freeze throw. */
  readonly ownServer: boolean;
  flush(): Promise<void>;
  /** Kills the server; connections see a reset. */
  stop(): Promise<void>;
  /** Starts it again on the same port, empty. */
  start(): Promise<void>;
  /** SIGSTOP: connections stay open and nothing answers. */
  freeze(): void;
  thaw(): void;
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

export interface TestRedisOptions {
  /** Settings of an own server, e.g. `{ 'set-max-intset-entries': '512' }`. */
  readonly config?: Readonly<Record<string, string>>;
  /** Instead of the redis-server that PATH has. */
  readonly program?: string;
}

/** Whether `testRedis` gives an own server here. */
export function hasRedisServer(): boolean {
  return spawnSync('redis-server', ['--version'], { stdio: 'ignore' }).status === 0;
}

/** An own redis-server process where the binary is at hand, else a database of the shared one. */
export async function testRedis(options: TestRedisOptions = {}): Promise<TestRedis> {
  return options.program !== undefined || hasRedisServer() ? ownRedis(options) : sharedRedis();
}

async function ownRedis(options: TestRedisOptions): Promise<TestRedis> {
  const port = await freePort();
  const { program = 'redis-server' } = options;
  const { requirepass } = options.config ?? {};
  const login = requirepass === undefined ? '' : `:${encodeURIComponent(requirepass)}@`;
  const url = `redis://${login}127.0.0.1:${port}`;
  let child: ChildProcess | undefined;
  const killAtExit = () => child?.kill('SIGKILL');
  process.once('exit', killAtExit);

  const start = async () => {
    if (child !== undefined) return;
    const started = spawn(program, redisArguments(port, options), { stdio: 'ignore' });
    child = started;
    await waitFor(() => withClient(url, (client) => answersAs(client, started)), {
      what: `redis-server on port ${port}`,
    });
  };
  const stop = async () => {
    if (child === undefined) return;
    const ended = child;
    child = undefined;
    if (ended.exitCode !== null || ended.signalCode !== null) return;
    const exited = once(ended, 'exit');
    ended.kill('SIGKILL');
    await exited;
  };
  const close = async () => {
    process.off('exit', killAtExit);
    await stop();
  };
  await start();
  return {
    url,
    ownServer: true,
    flush: () => withClient(url, (client) => client.flushall()).then(() => undefined),
    stop,
    start,
    freeze: () => void child?.kill('SIGSTOP'),
    thaw: () => void child?.kill('SIGCONT'),
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** Another test may have taken the port in between: its server must not pass for ours. */
async function answersAs(client: Redis, child: ChildProcess): Promise<boolean> {
  if (child.exitCode !== null) throw new Error(`redis-server ended with ${child.exitCode}`);
  return (await client.info('server')).includes(`process_id:${child.pid}\r\n`);
}

function redisArguments(port: number, options: TestRedisOptions): string[] {
  const settings = {
    port: String(port),
    bind: '127.0.0.1',
    save: '',
    appendonly: 'no',
    'set-max-intset-entries': String(SET_MAX_INTSET_ENTRIES),
    ...options.config,
  };
  return Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]);
}

const DATABASES = 15; // 0 is left to whoever else uses the server
const LEASE_SECONDS = 600;
const LEASE_KEY = 'adtally:testkit:lease';

function impossible(): never {
  throw new Error('this needs an own redis-server: install the redis-server binary');
}

async function sharedRedis(): Promise<TestRedis> {
  const server = await redisUrl();
  for (let index = 1; index <= DATABASES; index += 1) {
    const url = new URL(server);
    url.pathname = `/${index}`;
    const lease = (client: Redis) => client.set(LEASE_KEY, '1', 'EX', LEASE_SECONDS, 'NX');
    if ((await withClient(url.href, lease)) !== 'OK') continue;
    const flush = async () => {
      await withClient(url.href, async (client) => {
        await client.flushdb();
        await lease(client);
      });
    };
    await flush();
    const close = () => withClient(url.href, (client) => client.flushdb()).then(() => undefined);
    return {
      url: url.href,
      ownServer: false,
      flush,
      stop: async () => impossible(),
      start: async () => impossible(),
      freeze: impossible,
      thaw: impossible,
      close,
      [Symbol.asyncDispose]: close,
    };
  }
  throw new Error(`all ${DATABASES} test databases of ${new URL(server).host} are leased`);
}

async function withClient<T>(url: string, work: (client: Redis) => Promise<T>): Promise<T> {
  const client = new Redis(url, { lazyConnect: true, retryStrategy: () => null });
  client.on('error', () => undefined); // the failed connect rejects; the event says nothing more
  try {
    await client.connect();
    return await work(client);
  } finally {
    client.disconnect();
  }
}

/** A port nobody listens on now; another process could still take it before we do. */
export async function freePort(): Promise<number> {
  const probe = createServer();
  probe.listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  return port;
}

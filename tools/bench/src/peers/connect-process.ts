import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { BenchError } from '../errors.ts';

const MAIN = 'org.apache.kafka.connect.cli.ConnectStandalone';
/** As Kafka's own start script sets them. */
const HEAP = ['-Xms256M', '-Xmx2G'];
const STOP_LIMIT_MS = 20_000;
const ERROR_TAIL = 3_000;

export interface ConnectFiles {
  readonly java: string;
  readonly jars: string;
  readonly folder: string;
  readonly logFile: string;
}

/** A Connect worker with one sink, in a process of its own. */
export class ConnectProcess {
  readonly #child: ChildProcess;
  readonly #logFile: string;

  constructor({ java, jars, folder, logFile }: ConnectFiles, worker: object, sink: object) {
    const write = (name: string, settings: object): string => {
      const path = join(folder, name);
      const lines = Object.entries(settings).map(([key, value]) => `${key}=${String(value)}`);
      writeFileSync(path, `${lines.join('\n')}\n`);
      return path;
    };
    const files = [write('worker.properties', worker), write('sink.properties', sink)];
    mkdirSync(dirname(logFile), { recursive: true });
    const log = openSync(logFile, 'w');
    this.#logFile = logFile;
    this.#child = spawn(java, [...HEAP, '-cp', join(jars, '*'), MAIN, ...files], {
      stdio: ['ignore', log, log],
      detached: true,
    });
    closeSync(log);
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** @throws BenchError when it ended, or a task of it did */
  checkAlive(): void {
    const log = readFileSync(this.#logFile, 'utf8');
    const hasFailed = log.includes('Task is being killed and will not recover');
    if (this.#child.exitCode !== null || hasFailed)
      throw new BenchError(`Kafka Connect failed:\n${log.slice(-ERROR_TAIL)}`);
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null) return;
    const ended = once(this.#child, 'exit');
    this.#child.kill('SIGTERM');
    const late = setTimeout(() => this.#child.kill('SIGKILL'), STOP_LIMIT_MS);
    await ended;
    clearTimeout(late);
  }
}

/** A port nobody listens on just now. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

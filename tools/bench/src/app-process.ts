import { type ChildProcess, spawn, type SpawnOptions } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Build } from './build/build.ts';
import { programOf } from './build/program.ts';
import { BenchError } from './errors.ts';

/** The service ends by itself within its drain deadline (25 s). */
const STOP_LIMIT_MS = 40_000;
const ANSWER_TIMEOUT_MS = 5_000;
const LOG_TAIL_LINES = 15;

/** One of the apps in a process of its own, its output in a file. */
export class AppProcess {
  readonly #app: string;
  readonly #child: ChildProcess;
  readonly #logFile: string;
  readonly #ended: Promise<number | null>;
  #hasEnded = false;

  private constructor(app: string, logFile: string, child: ChildProcess) {
    this.#app = app;
    this.#logFile = logFile;
    this.#child = child;
    this.#ended = new Promise((resolve) => {
      const end = (code: number | null): void => {
        this.#hasEnded = true;
        resolve(code);
      };
      this.#child.once('exit', end);
      this.#child.once('error', () => end(null));
    });
  }

  static async start(
    build: Build,
    app: string,
    env: NodeJS.ProcessEnv,
    logFile: string,
    nodeOptions: readonly string[] = [],
  ): Promise<AppProcess> {
    const { main, env: own } = await programOf(build, app);
    mkdirSync(dirname(logFile), { recursive: true });
    const log = openSync(logFile, 'w');
    try {
      // Ctrl-C goes to the bench alone, which then ends its children in order.
      const options: SpawnOptions = {
        stdio: ['ignore', log, log],
        env: { ...env, ...own },
        detached: true,
      };
      const args = [...build.nodeOptions, ...nodeOptions, main];
      return new AppProcess(app, logFile, spawn(process.execPath, args, options));
    } finally {
      closeSync(log);
    }
  }

  /** 0 where it could not be started; then `checkAlive` throws soon. */
  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** @throws BenchError when it ended by itself */
  checkAlive(): void {
    if (this.#hasEnded) throw new BenchError(`${this.#app} ended by itself:\n${this.#logTail()}`);
  }

  /** Its metrics in Prometheus text. */
  async metrics(): Promise<string> {
    return await (await this.#get('/metrics')).text();
  }

  /** Whether it says that it can do its work. */
  async isReady(): Promise<boolean> {
    return await this.#get('/readyz').then(
      ({ ok }) => ok,
      () => false,
    );
  }

  /** Ends it in order, as an operator would. @throws BenchError when its exit code is not 0 */
  async stop(): Promise<void> {
    this.#child.kill('SIGTERM');
    const late = setTimeout(() => this.kill(), STOP_LIMIT_MS);
    const code = await this.#ended;
    clearTimeout(late);
    if (code !== 0) throw new BenchError(`${this.#app} ended with ${code}:\n${this.#logTail()}`);
  }

  /** Ends it at once; harmless when it has ended. */
  kill(): void {
    if (!this.#hasEnded) this.#child.kill('SIGKILL');
  }

  /** From the admin port its log names. */
  async #get(path: string): Promise<Response> {
    const port = /"port":(\d+)[^\n]*admin listening/.exec(readFileSync(this.#logFile, 'utf8'))?.[1];
    return await fetch(`http://127.0.0.1:${port}${path}`, {
      signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS),
    });
  }

  #logTail(): string {
    return readFileSync(this.#logFile, 'utf8')
      .trimEnd()
      .split('\n')
      .slice(-LOG_TAIL_LINES)
      .join('\n');
  }
}

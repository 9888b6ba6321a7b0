import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { builtApp } from './built-app.ts';
import { givenReader } from './env.ts';
import { waitFor } from './wait.ts';

const COMPILE_CACHE = join(tmpdir(), 'adtally-compile-cache');
const WAIT_MS = 90_000;
const LAST_WORDS = 25;
const OVER = Symbol('the process has ended');
type Over = typeof OVER;

export interface LogEntry extends Record<string, unknown> {
  readonly msg: string;
  readonly level: unknown;
}

export interface Exit {
  readonly code: number | null;
  readonly killedBy: string | null;
  readonly stdout: string;
  readonly stderr: string;
}

type Expected = number | ((value: number) => boolean);

/** A real service in a process of its own; what it says comes from its log and its admin port. */
export class ServiceProcess {
  readonly ended: Promise<Exit>;
  readonly entries: LogEntry[] = [];
  readonly #child: ChildProcess;
  #stderr = '';
  #hasEnded = false;

  /**
   * @param main path of the app's main.ts
   * @param options arguments, and a module to be loaded before anything else
   */
  constructor(
    main: string,
    env: Readonly<Record<string, string>>,
    options: { readonly argv?: readonly string[]; readonly preload?: string } = {},
  ) {
    const preload = options.preload === undefined ? [] : ['--import', options.preload];
    const argv = [
      '--conditions=@adtally/source',
      ...preload,
      builtApp(main),
      ...(options.argv ?? []),
    ];
    this.#child = spawn(process.execPath, argv, {
      // Dozens of processes start from the same sources.
      env: { NODE_COMPILE_CACHE: COMPILE_CACHE, ...givenReader(), ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const { stdout, stderr } = this.#child;
    if (stdout === null || stderr === null) throw new Error('no pipes');
    createInterface({ input: stderr }).on('line', (line) => {
      this.#stderr += `${line}\n`;
      if (line.startsWith('{')) this.entries.push(JSON.parse(line) as LogEntry);
    });
    let output = '';
    stdout.on('data', (chunk) => (output += String(chunk)));
    this.ended = once(this.#child, 'close').then(([code, killedBy]) => {
      this.#hasEnded = true;
      return { code, killedBy, stdout: output, stderr: this.#stderr } as Exit;
    });
  }

  /** What it logged last, in short, for a failed test's message. */
  get lastWords(): string {
    const words = this.entries.slice(-LAST_WORDS).map(({ level, msg, err }) => {
      const reason = (err as { message?: string } | undefined)?.message ?? '';
      return `  ${String(level)} ${msg} ${reason}`;
    });
    return words.length > 0 ? words.join('\n') : this.#stderr;
  }

  /** The most memory it ever held, from Linux' account of the process. */
  peakMemoryBytes(): number {
    const status = readFileSync(`/proc/${String(this.#child.pid)}/status`, 'utf8');
    return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]) * 1_024;
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  /** SIGKILL, and gone. */
  async kill(): Promise<Exit> {
    this.signal('SIGKILL');
    return await this.ended;
  }

  /** SIGTERM, and drained. */
  async stop(): Promise<Exit> {
    this.signal('SIGTERM');
    return await this.ended;
  }

  /** The first entry with this message (that matches), now or later. */
  async logged(msg: string, matches: (entry: LogEntry) => boolean = () => true): Promise<LogEntry> {
    return await this.until(`log line "${msg}"`, () =>
      this.entries.find((entry) => entry.msg === msg && matches(entry)),
    );
  }

  /** Waits for something this process does; fails with its log, at once where it has ended. */
  async until<T>(
    what: string,
    condition: () => T | Promise<T>,
  ): Promise<NonNullable<Exclude<T, false>>> {
    const attempt = async (): Promise<T | Over> => {
      const hadEnded = this.#hasEnded;
      try {
        const value = await condition();
        if (value || !hadEnded) return value;
      } catch (error) {
        if (!hadEnded) throw error;
      }
      return OVER;
    };
    try {
      const value = await waitFor(attempt, { what, timeoutMs: WAIT_MS });
      if (value === OVER) throw new Error(`it ended before: ${what}`);
      return value as NonNullable<Exclude<T, false>>;
    } catch (error) {
      throw new Error(`${(error as Error).message}\n${this.lastWords}`, { cause: error });
    }
  }

  async running(): Promise<this> {
    await this.logged('running');
    return this;
  }

  /** Waits until `/readyz` says so. */
  async untilReady(): Promise<void> {
    await this.until('ready', async () => (await this.get('/readyz')).ok);
  }

  /** Waits until `/readyz` says no, and gives these words as the reason. */
  async untilNotReady(words: string): Promise<void> {
    await this.until(`not ready: ${words}`, async () => {
      const { waiting } = (await (await this.get('/readyz')).json()) as { waiting: string[] };
      return waiting.some((reason) => reason.includes(words));
    });
  }

  async get(path: string): Promise<Response> {
    return await this.#request(path, 'GET');
  }

  async post(path: string, body?: object): Promise<Response> {
    return await this.#request(path, 'POST', body);
  }

  /**
   * Waits until the sum of the series of this name whose labels hold all of the given text is as
   * expected. A figure follows what it measures by a tick or a turn, and the database shows a commit
   * before its process does: so there is no way to read one without waiting for it.
   */
  async untilMetric(name: string, expected: Expected, ...labels: string[]): Promise<void> {
    await this.untilMetricWith([], name, expected, ...labels);
  }

  /** As `untilMetric`, of the sum over this process and others. */
  async untilMetricWith(
    others: readonly ServiceProcess[],
    name: string,
    expected: Expected,
    ...labels: string[]
  ): Promise<void> {
    const isExpected =
      typeof expected === 'number' ? (value: number) => value === expected : expected;
    const series = [name, ...labels].join(' ');
    await this.until(`${series} to be as expected`, async () => {
      const values = await Promise.all([this, ...others].map((one) => one.#metric(name, labels)));
      const sum = values.reduce((all, value) => all + value, 0);
      if (!isExpected(sum)) throw new Error(`${series} is ${sum}`);
      return true;
    });
  }

  async #metric(name: string, labels: readonly string[]): Promise<number> {
    const text = await (await this.get('/metrics')).text();
    return text
      .split('\n')
      .filter((line) => line.startsWith(`${name} `) || line.startsWith(`${name}{`))
      .filter((line) => labels.every((label) => line.includes(label)))
      .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
  }

  async #request(path: string, method: string, body?: object): Promise<Response> {
    const { port } = await this.logged('admin listening');
    const json =
      body === undefined
        ? {}
        : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } };
    return await fetch(`http://127.0.0.1:${String(port)}${path}`, { method, ...json });
  }
}

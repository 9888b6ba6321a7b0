import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { constants, hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { imageNodeOptions, repositoryRoot } from '@adtally/local-stack';
import { DemoError } from './errors.ts';

/** The service ends by itself within its drain deadline (25 s). */
const STOP_LIMIT_MS = 40_000;
/** As shells give it: a process ended by a signal. */
const SIGNAL_EXIT_BASE = 128;
/** Its sources are read and its signals handled by then, also on a machine that has much else to do. */
const START_LIMIT_MS = 30_000;
const START_POLL_MS = 50;
const METRICS_TIMEOUT_MS = 2_000;
const LOG_TAIL_LINES = 15;

export type AppName = 'ingest-consumer' | 'dlq-reprocessor' | 'dead-queue-alerter' | 'ops';

/** Where an app's sources begin. */
export function mainOf(app: AppName): string {
  return join(repositoryRoot, 'apps', app, 'src/main.ts');
}

/** One app in a process of its own, its output in a log file of its own. */
export class AppProcess {
  readonly label: string;
  readonly logFile: string;
  /** The name it signs its claims with. */
  readonly owner: string;
  readonly #child: ChildProcess;
  readonly #ended: Promise<number>;
  #exitCode: number | undefined;
  #isToEnd = false;

  private constructor(label: string, logFile: string, child: ChildProcess) {
    this.label = label;
    this.logFile = logFile;
    this.owner = `${hostname()}/${child.pid}`;
    this.#child = child;
    this.#ended = new Promise((resolve) => {
      child.once('exit', (code, signal) => {
        const exitCode = code ?? SIGNAL_EXIT_BASE + constants.signals[signal ?? 'SIGKILL'];
        this.#exitCode = exitCode;
        resolve(exitCode);
      });
    });
  }

  static async start(
    app: AppName,
    label: string,
    logFile: string,
    env: NodeJS.ProcessEnv,
  ): Promise<AppProcess> {
    mkdirSync(dirname(logFile), { recursive: true });
    const log = openSync(logFile, 'w');
    try {
      const options = [...imageNodeOptions(repositoryRoot), '--conditions=@adtally/source'];
      const child = spawn(process.execPath, [...options, mainOf(app)], {
        stdio: ['ignore', log, log],
        env,
        // Ctrl-C goes to this command alone, which then ends its children in order.
        detached: true,
      });
      const started = new AppProcess(label, logFile, child);
      await new Promise<void>((resolve, reject) => {
        child.once('spawn', resolve);
        child.once('error', reject);
      });
      return started;
    } finally {
      closeSync(log);
    }
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** @throws DemoError when the process ended although nobody ended it. */
  checkAlive(): void {
    if (this.#exitCode === undefined || this.#isToEnd) return;
    const tail = readLog(this.logFile).trimEnd().split('\n').slice(-LOG_TAIL_LINES).join('\n');
    throw new DemoError(`${this.label} ended by itself, exit code ${this.#exitCode}:\n${tail}`);
  }

  /** SIGSTOP: it neither reads nor commits until `thaw` or its end. */
  freeze(): void {
    this.#child.kill('SIGSTOP');
  }

  thaw(): void {
    this.#child.kill('SIGCONT');
  }

  /** SIGKILL: no last word, no last commit. Waits until it is gone. */
  async kill(): Promise<void> {
    this.#isToEnd = true;
    this.killNow();
    await this.#ended;
  }

  /** For the last moment of this process: SIGKILL, without waiting. */
  killNow(): void {
    if (this.#exitCode === undefined) this.#child.kill('SIGKILL');
  }

  /**
   * SIGTERM, and SIGKILL for one that does not end in time; one that just started gets the signal once it handles it.
   * Resolves with the exit code.
   */
  async stop(): Promise<number> {
    this.#isToEnd = true;
    const giveUpAt = performance.now() + START_LIMIT_MS;
    while (this.#exitCode === undefined && this.#port() === undefined) {
      if (performance.now() > giveUpAt) break;
      await sleep(START_POLL_MS);
    }
    if (this.#exitCode === undefined) this.#child.kill('SIGTERM');
    const late = new AbortController();
    const tooLate = sleep(STOP_LIMIT_MS, undefined, { signal: late.signal }).then(
      () => this.killNow(),
      () => undefined,
    );
    const exitCode = await this.#ended;
    late.abort();
    await tooLate;
    return exitCode;
  }

  /** Its admin port answers, and signals are handled; undefined before. */
  #port(): string | undefined {
    return /"port":(\d+)[^\n]*admin listening/.exec(readLog(this.logFile))?.[1];
  }

  /** Sum of a counter over its labels, from the admin port the log names; null where it cannot be had. */
  async counter(name: string): Promise<number | null> {
    const port = this.#port();
    if (port === undefined) return null;
    try {
      const response = await fetch(`http://127.0.0.1:${port}/metrics`, {
        signal: AbortSignal.timeout(METRICS_TIMEOUT_MS),
      });
      return counterSum(await response.text(), name);
    } catch {
      return null;
    }
  }
}

/** Adds up one metric's samples in a Prometheus text. */
export function counterSum(text: string, name: string): number {
  let sum = 0;
  for (const line of text.split('\n')) {
    const sample = /^([a-zA-Z_:][\w:]*)(?:\{.*\})? (\S+)/.exec(line);
    if (sample?.[1] === name) sum += Number(sample[2]);
  }
  return sum;
}

function readLog(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

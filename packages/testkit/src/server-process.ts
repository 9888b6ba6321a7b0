import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs';
import { waitFor } from './wait.ts';

const LAST_CHARACTERS = 2_000;
const START_LIMIT_MS = 120_000;
const POLL_MS = 50;
const STOP_LIMIT_MS = 30_000;
const SETPRIV = '/usr/bin/setpriv';

/** One server's process: started and ended as often as a test likes, and never left behind. */
export class ServerProcess {
  readonly logFile: string;
  #child: ChildProcess | undefined;
  readonly #killAtExit = () => void this.#child?.kill('SIGKILL');

  /** @param logFile what the server prints is appended to it */
  constructor(logFile: string) {
    this.logFile = logFile;
  }

  get isRunning(): boolean {
    const child = this.#child;
    return child !== undefined && child.exitCode === null && child.signalCode === null;
  }

  start(program: string, args: readonly string[], cwd = '/'): void {
    if (this.isRunning) return;
    const log = openSync(this.logFile, 'a');
    // A test run that is itself killed must not leave servers, brokers of a quarter of a gigabyte each.
    const bound = existsSync(SETPRIV) ? [SETPRIV, '--pdeathsig', 'KILL', program] : [program];
    const [file = program, ...before] = bound;
    this.#child = spawn(file, [...before, ...args], { cwd, stdio: ['ignore', log, log] });
    this.#child.on('error', () => undefined); // `until` tells
    closeSync(log);
    process.once('exit', this.#killAtExit);
  }

  /** Sends a signal to the running process, e.g. SIGSTOP and SIGCONT. */
  signal(name: NodeJS.Signals): void {
    if (!this.isRunning || this.#child?.kill(name) !== true) throw new Error('no such process');
  }

  /** Sends a signal that ends it and waits until it is gone; SIGKILL where that takes too long. */
  async end(name: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    const child = this.#child;
    if (child === undefined || !this.isRunning) return;
    const exited = once(child, 'exit');
    child.kill(name);
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_LIMIT_MS);
    await exited;
    clearTimeout(timer);
    process.off('exit', this.#killAtExit);
  }

  /**
   * Waits until it is as wanted.
   * @throws Error with the end of its log, at once where it has ended by itself
   */
  async until(what: string, condition: () => Promise<boolean>): Promise<void> {
    const isOver = async () => !this.isRunning || (await condition());
    try {
      await waitFor(isOver, { what, timeoutMs: START_LIMIT_MS, intervalMs: POLL_MS });
    } catch (error) {
      throw new Error(`${(error as Error).message}: ${this.#logTail()}`, { cause: error });
    }
    if (!this.isRunning) throw new Error(`it ended before ${what}: ${this.#logTail()}`);
  }

  #logTail(): string {
    return readFileSync(this.logFile, 'utf8').slice(-LAST_CHARACTERS);
  }
}

import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { waitFor } from '@adtally/testkit';

const MAIN = new URL('../../src/main.ts', import.meta.url).pathname;
const WAIT_MS = 30_000;

export interface Exit {
  readonly code: number | null;
  readonly killedBy: string | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** The real program in a process of its own. */
export class RunnerProcess {
  readonly ended: Promise<Exit>;
  readonly #child: ChildProcess;
  readonly #entries: Record<string, unknown>[] = [];
  #stderr = '';

  constructor(env: Readonly<Record<string, string>>, argv: readonly string[]) {
    this.#child = spawn(process.execPath, ['--conditions=@adtally/source', MAIN, ...argv], {
      env: { PATH: process.env['PATH'] ?? '', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const { stdout, stderr } = this.#child;
    if (stdout === null || stderr === null) throw new Error('no pipes');
    createInterface({ input: stderr }).on('line', (line) => {
      this.#stderr += `${line}\n`;
      if (line.startsWith('{')) this.#entries.push(JSON.parse(line) as Record<string, unknown>);
    });
    let output = '';
    stdout.on('data', (chunk) => (output += String(chunk)));
    this.ended = once(this.#child, 'close').then(
      ([code, killedBy]) => ({ code, killedBy, stdout: output, stderr: this.#stderr }) as Exit,
    );
  }

  async kill(): Promise<Exit> {
    this.#child.kill('SIGKILL');
    return await this.ended;
  }

  /** SIGTERM, and ended. */
  async stop(): Promise<Exit> {
    this.#child.kill('SIGTERM');
    return await this.ended;
  }

  /** The result of a command with `--json`; fails with what it said where it did not end well. */
  async result(): Promise<Record<string, unknown>> {
    const exit = await this.ended;
    if (exit.code !== 0) throw new Error(`exit code ${exit.code}: ${exit.stderr}`);
    return JSON.parse(exit.stdout) as Record<string, unknown>;
  }

  async logged(msg: string): Promise<Record<string, unknown>> {
    const found = () => this.#entries.find((entry) => entry['msg'] === msg);
    return await waitFor(found, { what: `log line "${msg}"`, timeoutMs: WAIT_MS }).catch(
      (error: unknown) => {
        throw new Error(`${(error as Error).message}\n${this.#stderr}`, { cause: error });
      },
    );
  }

  async get(path: string): Promise<string> {
    const { port } = await this.logged('admin listening');
    return await (await fetch(`http://127.0.0.1:${String(port)}${path}`)).text();
  }
}

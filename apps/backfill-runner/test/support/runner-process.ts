import { ServiceProcess } from '@adtally/testkit';

const MAIN = new URL('../../src/main.ts', import.meta.url).pathname;

/** The real program in a process of its own. */
export class RunnerProcess extends ServiceProcess {
  constructor(env: Readonly<Record<string, string>>, argv: readonly string[]) {
    super(MAIN, env, { argv });
  }

  /** The result of a command with `--json`; fails with what it said where it did not end well. */
  async result(): Promise<Record<string, unknown>> {
    const exit = await this.ended;
    if (exit.code !== 0) throw new Error(`exit code ${exit.code}: ${exit.stderr}`);
    return JSON.parse(exit.stdout) as Record<string, unknown>;
  }
}

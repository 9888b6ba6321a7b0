import { ServiceProcess } from '@adtally/testkit';

const MAIN = new URL('../../src/main.ts', import.meta.url).pathname;

/** An alerter in a process of its own. */
export class AlerterProcess extends ServiceProcess {
  constructor(
    env: Readonly<Record<string, string>>,
    options: { argv?: readonly string[]; preload?: string } = {},
  ) {
    super(MAIN, env, options);
  }

  /** Is the one that reads and sends. */
  async active(): Promise<this> {
    await this.logged('active: reads the dead topic and sends');
    return this;
  }

  async standby(): Promise<this> {
    await this.logged('standing by: another instance is active');
    return this;
  }
}

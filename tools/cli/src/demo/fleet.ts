import { join } from 'node:path';
import { type AppName, AppProcess } from './app-process.ts';

/** The services of one demo: none outlives it. */
export class Fleet {
  readonly #env: NodeJS.ProcessEnv;
  readonly #logFolder: string;
  readonly #all: AppProcess[] = [];
  readonly #killAll = (): void => {
    for (const service of this.#all) service.killNow();
  };

  constructor(env: NodeJS.ProcessEnv, logFolder: string) {
    this.#env = env;
    this.#logFolder = logFolder;
    // Also where this command ends in the middle of something.
    process.on('exit', this.#killAll);
  }

  /** Starts an app under a label of its own, with the fleet's environment and what is given on top. */
  async start(
    label: string,
    app: AppName = 'ingest-consumer',
    env: NodeJS.ProcessEnv = {},
  ): Promise<AppProcess> {
    const log = join(this.#logFolder, `${label}.log`);
    const service = await AppProcess.start(app, label, log, { ...this.#env, ...env });
    this.#all.push(service);
    return service;
  }

  get env(): NodeJS.ProcessEnv {
    return this.#env;
  }

  /** @throws DemoError when one ended by itself. */
  checkAlive(): void {
    for (const service of this.#all) service.checkAlive();
  }

  /** Ends what still runs, in order. */
  async end(): Promise<void> {
    await Promise.all(this.#all.map((service) => service.stop()));
    process.off('exit', this.#killAll);
  }
}

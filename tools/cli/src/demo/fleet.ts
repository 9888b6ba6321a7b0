import { join } from 'node:path';
import { ConsumerProcess } from './consumer-process.ts';

/** The consumers of one demo: none outlives it. */
export class Fleet {
  readonly #env: NodeJS.ProcessEnv;
  readonly #logFolder: string;
  readonly #all: ConsumerProcess[] = [];
  readonly #killAll = (): void => {
    for (const consumer of this.#all) consumer.killNow();
  };

  constructor(env: NodeJS.ProcessEnv, logFolder: string) {
    this.#env = env;
    this.#logFolder = logFolder;
    // Also where this command ends in the middle of something.
    process.on('exit', this.#killAll);
  }

  async start(label: string): Promise<ConsumerProcess> {
    const consumer = await ConsumerProcess.start(
      label,
      join(this.#logFolder, `${label}.log`),
      this.#env,
    );
    this.#all.push(consumer);
    return consumer;
  }

  /** @throws DemoError when one ended by itself. */
  checkAlive(): void {
    for (const consumer of this.#all) consumer.checkAlive();
  }

  /** Ends what still runs, in order. */
  async end(): Promise<void> {
    await Promise.all(this.#all.map((consumer) => consumer.stop()));
    process.off('exit', this.#killAll);
  }
}

import { ensureDayPartitions, type Database } from '@adtally/db';
import type { Service } from '@adtally/service';
import type { Logger } from '@adtally/telemetry';

/** Short, since a maker killed half-way leaves a check behind that writers of that day run into. */
const INTERVAL_MS = 30_000;
/** After a run that did not get to its end, or found another one at it. */
const AGAIN_MS = 3_000;

/** Makes the coming days' partitions, far ahead of need and never in the write path. */
export class PartitionMaker implements Service {
  readonly name = 'partition-maker';
  readonly #db: Database;
  readonly #log: Logger;
  #timer: NodeJS.Timeout | null = null;
  #making: Promise<void> | null = null;
  #isStopped = false;

  constructor(db: Database, log: Logger) {
    this.#db = db;
    this.#log = log;
  }

  async start(): Promise<void> {
    this.#make();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    await this.#making;
  }

  #make(): void {
    this.#making = this.#run().then((isDone) => {
      if (this.#isStopped) return;
      const pauseMs = isDone ? INTERVAL_MS : AGAIN_MS;
      this.#timer = setTimeout(() => this.#make(), pauseMs);
    });
  }

  /** Returns whether every day is there now. */
  async #run(): Promise<boolean> {
    try {
      // Only where rows live depends on this clock, never what is counted.
      const made = await ensureDayPartitions(this.#db, { now: Date.now() });
      if (made.created.length > 0) this.#log.info({ days: made.created }, 'day partitions made');
      return made.ran && made.postponed.length === 0;
    } catch (error) {
      this.#log.warn(
        { err: error },
        'day partitions could not be made; rows go to the default one',
      );
      return false;
    }
  }
}

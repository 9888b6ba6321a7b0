import { ensureDayPartitions, type Database } from '@adtally/db';
import type { Service } from '@adtally/service';
import type { Logger } from '@adtally/telemetry';

const INTERVAL_MS = 3_600_000;

/** Makes the coming days' partitions, far ahead of need and never in the write path. */
export class PartitionMaker implements Service {
  readonly name = 'partition-maker';
  readonly #db: Database;
  readonly #log: Logger;
  #timer: NodeJS.Timeout | null = null;
  #making: Promise<void> | null = null;

  constructor(db: Database, log: Logger) {
    this.#db = db;
    this.#log = log;
  }

  async start(): Promise<void> {
    this.#make();
    this.#timer = setInterval(() => this.#make(), INTERVAL_MS);
  }

  async stop(): Promise<void> {
    if (this.#timer !== null) clearInterval(this.#timer);
    await this.#making;
  }

  #make(): void {
    this.#making ??= this.#run().finally(() => {
      this.#making = null;
    });
  }

  async #run(): Promise<void> {
    try {
      // Only where rows live depends on this clock, never what is counted.
      const made = await ensureDayPartitions(this.#db, { now: Date.now() });
      if (made.created.length > 0) this.#log.info({ days: made.created }, 'day partitions made');
    } catch (error) {
      this.#log.warn(
        { err: error },
        'day partitions could not be made; rows go to the default one',
      );
    }
  }
}

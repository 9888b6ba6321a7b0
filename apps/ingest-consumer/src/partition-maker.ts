import { blockedDays, ensureDayPartitions, type BlockedDay, type Database } from '@adtally/db';
import { RecurringTask, RepeatedWords } from '@adtally/pacing';
import type { Service } from '@adtally/service';
import type { Logger } from '@adtally/telemetry';

/** Short, since a maker killed half-way leaves a check behind that writers of that day run into. */
const INTERVAL_MS = 30_000;
/** After a run that did not get to its end, or found another one at it. */
const AGAIN_MS = 3_000;
/** How often it is said that a day is blocked. */
const SAYING_PACE = { firstPauseMs: 60_000, lastPauseMs: 6 * 3_600_000 };

/** Makes the coming days' partitions, far ahead of need and never in the write path. */
export class PartitionMaker implements Service {
  readonly name = 'partition-maker';
  readonly #db: Database;
  readonly #log: Logger;
  readonly #making: RecurringTask;
  /** By blocked day. */
  readonly #words = new RepeatedWords(SAYING_PACE);

  constructor(db: Database, log: Logger) {
    this.#db = db;
    this.#log = log;
    this.#making = new RecurringTask({
      everyMs: AGAIN_MS,
      firstAfterMs: 0,
      run: async () => ((await this.#make()) ? INTERVAL_MS : AGAIN_MS),
      onError: (error) =>
        log.warn({ err: error }, 'day partitions could not be made; rows go to the default one'),
    });
  }

  async start(): Promise<void> {
    this.#making.start();
  }

  async stop(): Promise<void> {
    await this.#making.stop();
  }

  /** Returns whether every day that can be made is there now. */
  async #make(): Promise<boolean> {
    // Only where rows live depends on this clock, never what is counted.
    const now = Date.now();
    const made = await ensureDayPartitions(this.#db, { now });
    if (made.created.length > 0) this.#log.info({ days: made.created }, 'day partitions made');
    if (made.ran)
      this.#sayBlocked(made.keptInDefault.length > 0 ? await blockedDays(this.#db, { now }) : []);
    return made.ran && made.postponed.length === 0;
  }

  #sayBlocked(days: readonly BlockedDay[]): void {
    const blocked = new Set(days.map(({ label }) => label));
    for (const label of this.#words.keys) if (!blocked.has(label)) this.#words.end(label);
    for (const { label, rows } of days) {
      if (!this.#words.isDue(label, 'blocked', performance.now())) continue;
      this.#log.warn(
        { day: label, rows },
        "a day's partition cannot be made: rows of it lie in the default one",
      );
    }
  }
}

import { ensureDayPartitions, type Database, type UnmadeDay } from '@adtally/db';
import { RecurringTask, RepeatedWords } from '@adtally/pacing';
import type { Service } from '@adtally/service';
import type { Logger } from '@adtally/telemetry';

const INTERVAL_MS = 30_000;
/** After a run that did not get to its end, or found another one at it. */
const AGAIN_MS = 3_000;
/** How often it is said that a day cannot be made. */
const SAYING_PACE = { firstPauseMs: 60_000, lastPauseMs: 6 * 3_600_000 };
/** An audit reads the default partition for a while, and days are made two days ahead: no need to say that at once. */
const POSTPONED_MAX_MS = 60_000;
const NO_LOCK =
  'no lock on the default partition could be had: somebody reads or writes it all the time';

/** Makes the coming days' partitions, far ahead of need and never in the write path. */
export class PartitionMaker implements Service {
  readonly name = 'partition-maker';
  readonly #db: Database;
  readonly #log: Logger;
  readonly #making: RecurringTask;
  /** By day. */
  readonly #words = new RepeatedWords(SAYING_PACE);
  /** Since when a day has been postponed, on the monotonic clock. */
  #postponedSinceMs: number | null = null;

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
    const made = await ensureDayPartitions(this.#db, { now: Date.now() });
    if (made.created.length > 0)
      this.#log.info({ days: made.created, movedRows: made.movedRows }, 'day partitions made');
    if (made.ran) this.#sayUnmade([...made.failed, ...this.#postponedTooLong(made.postponed)]);
    return made.ran && made.postponed.length === 0;
  }

  #postponedTooLong(postponed: readonly string[]): UnmadeDay[] {
    if (postponed.length === 0) this.#postponedSinceMs = null;
    else this.#postponedSinceMs ??= performance.now();
    const isLong =
      this.#postponedSinceMs !== null &&
      performance.now() - this.#postponedSinceMs > POSTPONED_MAX_MS;
    return isLong ? postponed.map((label) => ({ label, reason: NO_LOCK })) : [];
  }

  #sayUnmade(days: readonly UnmadeDay[]): void {
    const unmade = new Set(days.map(({ label }) => label));
    for (const label of this.#words.keys) if (!unmade.has(label)) this.#words.end(label);
    for (const { label, reason } of days) {
      if (!this.#words.isDue(label, reason, performance.now())) continue;
      this.#log.warn({ day: label, reason }, "a day's partition cannot be made");
    }
  }
}

import { type Database } from '@adtally/db';
import { EXPIRED_AT_ONCE_MAX, expireLetterRecords } from '@adtally/letters';
import type { Beside } from '@adtally/pipeline';
import type { Logger } from '@adtally/telemetry';

const LOOK_EVERY_MS = 60_000;

/** Drops the bytes of letters that were settled long ago; hash, code and outcome stay. */
export class RecordExpiry implements Beside {
  readonly #db: Database;
  readonly #retentionDays: number;
  readonly #log: Logger;
  #timer: NodeJS.Timeout | null = null;
  #running: Promise<void> | null = null;

  constructor(db: Database, retentionDays: number, log: Logger) {
    this.#db = db;
    this.#retentionDays = retentionDays;
    this.#log = log;
  }

  start(): void {
    this.#timer = setInterval(() => {
      this.#running ??= this.#expire().finally(() => {
        this.#running = null;
      });
    }, LOOK_EVERY_MS);
  }

  async stop(): Promise<void> {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
    await this.#running;
  }

  async #expire(): Promise<void> {
    try {
      let dropped: number;
      do {
        dropped = await expireLetterRecords(this.#db, this.#retentionDays);
        if (dropped > 0) this.#log.info({ letters: dropped }, 'bytes of old letters dropped');
      } while (dropped === EXPIRED_AT_ONCE_MAX && this.#timer !== null);
    } catch (error) {
      this.#log.warn({ err: error }, 'bytes of old letters could not be dropped');
    }
  }
}

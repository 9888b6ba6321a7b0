import { type Database } from '@adtally/db';
import { EXPIRED_AT_ONCE_MAX, expireLetterRecords } from '@adtally/letters';
import { RecurringTask } from '@adtally/pacing';
import type { Logger } from '@adtally/telemetry';

const LOOK_EVERY_MS = 60_000;

/** Drops the bytes of letters that were settled long ago; hash, code and outcome stay. */
export function recordExpiry(db: Database, retentionDays: number, log: Logger): RecurringTask {
  return new RecurringTask({
    everyMs: LOOK_EVERY_MS,
    run: async (signal) => {
      let dropped: number;
      do {
        dropped = await expireLetterRecords(db, retentionDays);
        if (dropped > 0) log.info({ letters: dropped }, 'bytes of old letters dropped');
      } while (dropped === EXPIRED_AT_ONCE_MAX && !signal.aborted);
    },
    onError: (error) => log.warn({ err: error }, 'bytes of old letters could not be dropped'),
  });
}

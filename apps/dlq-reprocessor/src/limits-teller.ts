import { tellReadingLimits, type Database } from '@adtally/db';
import { RecurringTask } from '@adtally/pacing';
import type { Logger } from '@adtally/telemetry';
import type { ReprocessorConfig } from './env.ts';

const EVERY_MS = 15_000;

type LimitsConfig = Pick<
  ReprocessorConfig,
  'topics' | 'recordMaxBytes' | 'jsonMaxDepth' | 'readAsNewest' | 'owner'
>;

/** Says by which limits this process tries letters, so that a dry run judges as it would (ADR 33). */
export async function tellLimits(
  db: Database,
  config: LimitsConfig,
  appVersion: string,
): Promise<void> {
  await tellReadingLimits(db, {
    topic: config.topics.events.name,
    maxValueBytes: config.recordMaxBytes,
    maxDepth: config.jsonMaxDepth,
    readAsNewest: config.readAsNewest,
    appVersion,
    toldBy: config.owner,
  });
}

/** Goes on saying so: that it is old tells that nobody retries. */
export function limitsTeller(
  { db, log }: { readonly db: Database; readonly log: Logger },
  config: LimitsConfig,
  appVersion: string,
): RecurringTask {
  return new RecurringTask({
    everyMs: EVERY_MS,
    run: () => tellLimits(db, config, appVersion),
    // That the database is away is told by whoever needs it.
    onError: (error) => log.debug({ err: error }, 'limits could not be told'),
  });
}

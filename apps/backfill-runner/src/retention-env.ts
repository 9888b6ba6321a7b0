import { int, optionalInt, type ConfigOf, type EnvField, type Rule } from '@adtally/config';
import { DEDUP_ENV } from '@adtally/dedup/env';

const DAYS_MAX = 36_500;
const SECONDS_PER_DAY = 86_400;

const REDELIVERY_WINDOW: EnvField<number> = {
  ...DEDUP_ENV.dedupTtlSeconds,
  meaning: 'the redelivery window, as the consumer has it: no retention may be shorter',
};

/** For how long events are kept, and within which time they may still come. */
export const RETENTION_ENV = {
  eventsRetentionDays: optionalInt('EVENTS_RETENTION_DAYS', {
    min: 1,
    max: DAYS_MAX,
    meaning:
      'whole UTC days before today of which events are kept, by when their impressions were born; unset = for ever',
  }),
  lateWindowDays: int('LATE_WINDOW_DAYS', {
    default: 8,
    min: 1,
    max: DAYS_MAX,
    meaning:
      'for so long after an impression its late events change a rollup row of their own; above the attribution window',
  }),
  dedupTtlSeconds: REDELIVERY_WINDOW,
} as const;

/** What is dropped must be too old for a copy of it, or for an event that belongs to it, to come still. */
export const RETENTION_RULES: readonly Rule<ConfigOf<typeof RETENTION_ENV>>[] = [
  {
    of: ['eventsRetentionDays', 'lateWindowDays', 'dedupTtlSeconds'],
    problem: ({ eventsRetentionDays: days, lateWindowDays, dedupTtlSeconds }) => {
      if (days === null) return undefined;
      if (days < lateWindowDays) {
        return `EVENTS_RETENTION_DAYS=${days} is shorter than LATE_WINDOW_DAYS=${lateWindowDays}: late events would come for what is gone`;
      }
      if (days * SECONDS_PER_DAY < dedupTtlSeconds) {
        return `EVENTS_RETENTION_DAYS=${days} is shorter than the redelivery window, DEDUP_TTL_SECONDS=${dedupTtlSeconds}: copies would come of what is gone`;
      }
      return undefined;
    },
  },
];

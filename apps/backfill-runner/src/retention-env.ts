import { bool, int, optionalInt, type ConfigOf, type EnvField, type Rule } from '@adtally/config';
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
  timelessRetentionDays: optionalInt('TIMELESS_RETENTION_DAYS', {
    min: 1,
    max: DAYS_MAX,
    meaning:
      'days after the commit of its last event that an impression is kept whose id is no UUIDv7; an older copy counts as new then; unset = for ever',
  }),
  timelessWithoutArchive: bool('TIMELESS_WITHOUT_ARCHIVE', {
    default: false,
    meaning:
      '`true` confirms, where ARCHIVE_URL is set, that these events leave without being archived',
  }),
  lateWindowDays: int('LATE_WINDOW_DAYS', {
    default: 8,
    min: 1,
    max: DAYS_MAX,
    meaning:
      'age in days at which rows of rollups are folded (late events still correct them); keep it above the attribution window',
  }),
  dedupTtlSeconds: REDELIVERY_WINDOW,
} as const;

type RetentionConfig = ConfigOf<typeof RETENTION_ENV>;

/** What is dropped must be too old for a copy of it, or for an event that belongs to it, to come still. */
export const RETENTION_RULES: readonly Rule<RetentionConfig>[] = [
  {
    of: ['eventsRetentionDays', 'lateWindowDays', 'dedupTtlSeconds'],
    problem: (config) => tooShort('EVENTS_RETENTION_DAYS', config.eventsRetentionDays, config),
  },
  {
    of: ['timelessRetentionDays', 'lateWindowDays', 'dedupTtlSeconds'],
    problem: (config) => tooShort('TIMELESS_RETENTION_DAYS', config.timelessRetentionDays, config),
  },
];

/** No archive takes what has no day: who keeps one has to say that it may leave all the same. */
export const TIMELESS_ARCHIVE_RULE: Rule<RetentionConfig & { readonly archiveUrl: string }> = {
  of: ['timelessRetentionDays', 'timelessWithoutArchive', 'archiveUrl'],
  problem: ({ timelessRetentionDays: days, timelessWithoutArchive, archiveUrl }) =>
    days !== null && archiveUrl !== '' && !timelessWithoutArchive
      ? `TIMELESS_RETENTION_DAYS=${days} lets events leave that ARCHIVE_URL does not take, since they have no day: unset it, or say so by TIMELESS_WITHOUT_ARCHIVE=true`
      : undefined,
};

function tooShort(
  name: string,
  days: number | null,
  { lateWindowDays, dedupTtlSeconds }: RetentionConfig,
): string | undefined {
  if (days === null) return undefined;
  if (days < lateWindowDays) {
    return `${name}=${days} is shorter than LATE_WINDOW_DAYS=${lateWindowDays}: late events would come for what is gone`;
  }
  if (days * SECONDS_PER_DAY < dedupTtlSeconds) {
    return `${name}=${days} is shorter than the redelivery window, DEDUP_TTL_SECONDS=${dedupTtlSeconds}: copies would come of what is gone`;
  }
  return undefined;
}

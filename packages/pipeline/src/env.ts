import { bool, durationMs, field, int, oneOf, wholeNumbers, type ConfigOf } from '@adtally/config';
import {
  DEFAULT_TOPIC_RULES,
  FUTURE_TOLERANCE_MS_MAX,
  VALUE_FORMATS,
  type TopicRules,
} from '@adtally/event-schema';
import { parseStartAt, startAtText, type StartAt } from './start-at.ts';

/** What a record is judged by: the same in every app, else a retry or a replay would judge otherwise. */
export const RECORD_ENV = {
  recordMaxBytes: int('RECORD_MAX_BYTES', {
    default: 65_536,
    min: 1_024,
    max: 16_777_216,
    meaning: 'a longer value is `oversize`',
  }),
  jsonMaxDepth: int('JSON_MAX_DEPTH', {
    default: 32,
    min: 1,
    max: 1_000,
    meaning: 'deeper nesting is `too_deep`',
  }),
  readAsNewest: wholeNumbers('SCHEMA_VERSIONS_READ_AS_NEWEST', {
    max: 1_000_000,
    meaning:
      'e.g. `2,3`: versions this build does not know, read as the newest it knows: for producers that only added fields',
  }),
} as const;

/**
 * The rules of a topic nobody has counted or set rules for yet: from then on they stand in the database, and only
 * an operator changes them.
 */
export const TOPIC_RULES_ENV = {
  valueFormat: oneOf('EVENTS_VALUE_FORMAT', VALUE_FORMATS, {
    default: DEFAULT_TOPIC_RULES.valueFormat,
    meaning:
      'only for a topic never counted, as the next two (later: `ops topics set`): `plain`, or `auto` also reads wrapped values (docs/operations.md)',
  }),
  amountsAsStrings: bool('EVENTS_AMOUNTS_AS_STRINGS', {
    default: DEFAULT_TOPIC_RULES.amountsAsStrings,
    meaning: 'amounts may be strings of digits (`"1500000"`)',
  }),
  futureToleranceMs: durationMs('EVENTS_FUTURE_TOLERANCE', {
    default: DEFAULT_TOPIC_RULES.futureToleranceMs,
    min: 0,
    max: FUTURE_TOLERANCE_MS_MAX,
    isWholeSeconds: true,
    meaning: "an id so much ahead of the record's timestamp is `future`; whole seconds",
  }),
} as const;

/** What these variables say of a topic. */
export function topicRules(config: ConfigOf<typeof TOPIC_RULES_ENV>): TopicRules {
  const { valueFormat, amountsAsStrings, futureToleranceMs } = config;
  return { valueFormat, amountsAsStrings, futureToleranceMs };
}

/** How many rows of the events topic one transaction holds. */
export const BATCH_ENV = {
  batchMaxEvents: int('BATCH_MAX_EVENTS', {
    default: 5_000,
    min: 1,
    max: 50_000,
    meaning: 'records in one transaction, 1..50000',
  }),
} as const;

/** When single rows are suspected where PostgreSQL refuses a batch for the moment. */
export function suspicionEnv(defaults: { attempts: number; budgetMs: number }) {
  return {
    transientAttempts: int('TRANSIENT_ATTEMPTS', {
      default: defaults.attempts,
      min: 1,
      max: 1_000,
      meaning: "refusals of a batch's rows before single rows are suspected ...",
    }),
    transientBudgetMs: durationMs('TRANSIENT_BUDGET_MS', {
      default: defaults.budgetMs,
      min: 0,
      max: 3_600_000,
      meaning: '... and the time that must have passed',
    }),
  } as const;
}

/** Where a topic that was never read before begins to count. */
export const GENESIS_ENV = {
  startAt: field<StartAt>('START_AT', {
    allowed: 'earliest, group:<id> or an RFC 3339 time with its zone, as 2026-03-01T00:00:00Z',
    meaning: 'only for a topic never counted: `earliest`, `group:<id>` or an RFC 3339 time',
    defaultText: 'earliest',
    parse: (text) => parseStartAt(text) ?? undefined,
    show: startAtText,
  }),
} as const;

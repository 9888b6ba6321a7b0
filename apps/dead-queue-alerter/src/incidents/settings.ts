import type { Rule } from '../rule/evaluate.ts';

/** What the rule and its messages go by. */
export interface AlertSettings {
  /** The dead topic's name. */
  readonly topic: string;
  readonly rule: Rule;
  /** At most one update of a growing incident in this time. */
  readonly updateMs: number;
  /** An incident that stays open is told again after this time. */
  readonly repeatMs: number;
  /** For so long (append time) a second copy of a letter is known as one. */
  readonly copyMemoryMs: number;
  /** Label that tells installations apart. */
  readonly env: string;
  readonly runbookBaseUrl: string;
  /** Names of the sinks that are told. */
  readonly sinks: readonly string[];
}

/** The rule's own alert; requests bring theirs. */
export const DEAD_RATE_ALERT = 'DeadEventRateHigh';
/** Records of the dead topic were lost before the alerter read them. */
export const DISCONTINUITY_ALERT = 'DeadTopicDiscontinuity';

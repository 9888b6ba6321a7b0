import type { AlertName } from '@adtally/alerting';
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
  /** Further labels of every notification. */
  readonly labels: Readonly<Record<string, string>>;
  /** The topic that is counted, for alerts that concern none by name. */
  readonly eventsTopic: string;
  /** Absolute, without a slash at its end; empty where nobody said. */
  readonly runbookBaseUrl: string;
  /** Names of the sinks that are told. */
  readonly sinks: readonly string[];
}

/** The rule's own alert; requests bring theirs. */
export const DEAD_RATE_ALERT: AlertName = 'DeadEventRateHigh';
/** Records of the dead topic were lost before the alerter read them. */
export const DISCONTINUITY_ALERT: AlertName = 'DeadTopicDiscontinuity';
/** A partition takes no commit until an operator decides; one incident a partition. */
export const HALTED_ALERT: AlertName = 'PartitionHalted';
/** Records wait and cursors do not move; one incident a topic. */
export const STUCK_ALERT: AlertName = 'PartitionsStuck';
/** A check of the audit does not hold; one incident a scope, `recent` or `full`. */
export const AUDIT_ALERT: AlertName = 'AuditFailed';

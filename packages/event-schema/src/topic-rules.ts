/** What a record's value may be wrapped in: nothing, or any envelope that is known by its shape. */
export const VALUE_FORMATS = ['plain', 'auto'] as const;
export type ValueFormat = (typeof VALUE_FORMATS)[number];

/**
 * The rules by which the records of one topic are read. They belong to the topic and not to a process, so that
 * counting, retrying, replaying and a dry run judge a record alike (docs/adr/0026).
 */
export interface TopicRules {
  readonly valueFormat: ValueFormat;
  /** Amounts may also be strings of digits, as protobuf's JSON mapping prints an int64. */
  readonly amountsAsStrings: boolean;
  /** An id may be so much ahead of the broker's append time before it is called `future`; whole seconds. */
  readonly futureToleranceMs: number;
}

/** The rules of a topic for which nobody ever said anything else. */
export const DEFAULT_TOPIC_RULES: TopicRules = {
  valueFormat: 'plain',
  amountsAsStrings: false,
  futureToleranceMs: 24 * 3_600_000,
};

const RULE_NAMES = Object.keys(DEFAULT_TOPIC_RULES) as (keyof TopicRules)[];

/** The names of the rules in which two topics, or two times of one, differ. */
export function changedRules(a: TopicRules, b: TopicRules): (keyof TopicRules)[] {
  return RULE_NAMES.filter((name) => a[name] !== b[name]);
}

/** The longest tolerance there may be: ten years. */
export const FUTURE_TOLERANCE_MS_MAX = 3_650 * 24 * 3_600_000;

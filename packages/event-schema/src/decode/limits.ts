import type { ValueFormat } from '../topic-rules.ts';

/** What a message may cost before it is even understood, and which versions are taken beside the known ones. */
export interface DecodeLimits {
  /** The longest message value, in bytes. */
  readonly maxValueBytes: number;
  /** The deepest nesting of objects and arrays; the event itself is depth 1. */
  readonly maxDepth: number;
  /**
   * Versions this build does not know and an operator vouches for: their events are read as the newest
   * version it knows. Fields only they have are unknown fields, counted and not kept.
   */
  readonly readAsNewest?: ReadonlySet<number>;
  /** As the topic's rules say (`TopicRules`); `plain` where they are not given. */
  readonly valueFormat?: ValueFormat;
  /** The same; false where not given. */
  readonly amountsAsStrings?: boolean;
}

export const DEFAULT_DECODE_LIMITS: DecodeLimits = { maxValueBytes: 65_536, maxDepth: 32 };

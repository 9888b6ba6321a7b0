/** What a message may cost before it is even understood. */
export interface DecodeLimits {
  /** The longest message value, in bytes. */
  readonly maxValueBytes: number;
  /** The deepest nesting of objects and arrays; the event itself is depth 1. */
  readonly maxDepth: number;
}

export const DEFAULT_DECODE_LIMITS: DecodeLimits = { maxValueBytes: 65_536, maxDepth: 32 };

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
  /**
   * What a schema registry holds under the number that a frame names: null = nothing, undefined = it has not told. It is
   * asked of each framed value and must answer at once. A rejection's message says what it answers; whether a value is
   * an event never depends on it (docs/adr/0035).
   */
  readonly schemaOf?: (id: number) => FrameSchema | null | undefined;
}

/** A schema of a registry, named in words that are printable ASCII. */
export interface FrameSchema {
  /** `JSON`, `AVRO`, `PROTOBUF` */
  readonly type: string;
  /** One of the subjects that have it; null where none is told. */
  readonly subject: string | null;
}

export const DEFAULT_DECODE_LIMITS: DecodeLimits = { maxValueBytes: 65_536, maxDepth: 32 };

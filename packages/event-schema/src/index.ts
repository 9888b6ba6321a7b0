export { VERDICT, ROUTE, type BatchColumn, EventBatch, type MakeRecord } from './batch.ts';
export {
  causeLine,
  causeWords,
  type RejectionCause,
  type SourceCounts,
  sourcesWords,
} from './cause-words.ts';
export { DEAD_LETTER_HEADERS, withAddedHeaders, splitHeaders } from './dead-letter.ts';
export { DECODER, decodeInto } from './decode/decode.ts';
export { type DecodeLimits, DEFAULT_DECODE_LIMITS, type FrameSchema } from './decode/limits.ts';
export { type AdEvent, encodeEvent } from './event.ts';
export {
  type ColumnKind,
  EVENT_TYPES,
  type EventType,
  FIELDS,
  type PayloadColumn,
  PAYLOAD_COLUMNS,
} from './fields.ts';
export { partitionRanges, readPartitionRanges } from './partition-ranges.ts';
export { readEvent } from './read-event.ts';
export {
  type SourceRecord,
  type RecordHeader,
  EVENT_KEY_HEADER,
  isClock,
  isClockless,
} from './record.ts';
export { NO_BYTES, NO_TIMESTAMP, RecordPlaces } from './record-places.ts';
export { RepeatedTexts } from './repeated-texts.ts';
export {
  REJECTION_CODES,
  type RejectionCode,
  type Rejection,
  rejectionFingerprint,
} from './rejection.ts';
export { claimedFacts, type ClaimedFacts, looseFields, sourceName } from './source-name.ts';
export { SourceTally } from './source-tally.ts';
export { daysInMonth, parseTime, POSTGRES_EPOCH_MS } from './time.ts';
export {
  changedRules,
  DEFAULT_TOPIC_RULES,
  FUTURE_TOLERANCE_MS_MAX,
  type TopicRules,
  type ValueFormat,
  VALUE_FORMATS,
} from './topic-rules.ts';
export { LOGICAL_TOPICS, type LogicalTopic, type Topic, TOPICS } from './topics.ts';
export { idMillis, TIMELESS_FROM_MS, uuidBytes, uuidText } from './uuid.ts';
export { SCHEMA_VERSION } from './versions.ts';

import type { ArrivedLetter } from '@adtally/alerting';
import {
  causeWords,
  claimedFacts,
  DEAD_LETTER_HEADERS,
  splitHeaders,
  type SourceRecord,
} from '@adtally/event-schema';
import { createHash } from 'node:crypto';
import { plain } from '../plain-text.ts';

const CAUSE_MAX = 120;
const SOURCE_MAX = 64;
const FINGERPRINT = /^[0-9a-f]{16}$/;
const ORIGIN_MAX = 300;
const FIRST_SERIES = '1';
const DIGITS = /^\d{1,16}$/;
/** 2100-01-01: a producer's timestamp may be anything, and the database's calendar is not endless. */
const LATEST_MS = 4_102_444_800_000;

/**
 * Whose letter a record of the dead topic is. Identity is the original coordinate and the series, from the
 * headers; a record that has none was put there by somebody else and stands for itself.
 *
 * @param deadTopicId Kafka's id of the dead topic: a topic made again has other records at its offsets
 * @param fallbackMs append time where the record carries none
 */
export function letterOf(
  record: SourceRecord,
  deadTopicId: string,
  fallbackMs: number,
): ArrivedLetter {
  const split = splitHeaders(record.headers);
  const added = split?.added ?? null;
  const original = added === null ? null : originalOf(added);
  const own = [deadTopicId, record.partition, record.offset];
  return {
    letter: uuidOf(original === null ? ['record', ...own] : ['letter', ...original.identity]),
    appendedMs: appendTime(record, fallbackMs),
    partition: record.partition,
    deadOffset: record.offset,
    ...causeOf(record, split),
    origin: plain(
      original?.coordinate ?? `${record.topic}/${record.partition}@${record.offset}`,
      ORIGIN_MAX,
    ),
  };
}

function originalOf(
  added: ReadonlyMap<string, string>,
): { identity: string[]; coordinate: string } | null {
  const topic = added.get(DEAD_LETTER_HEADERS.topic) ?? '';
  const topicId = added.get(DEAD_LETTER_HEADERS.topicId) ?? '';
  const partition = added.get(DEAD_LETTER_HEADERS.partition) ?? '';
  const offset = added.get(DEAD_LETTER_HEADERS.offset) ?? '';
  const series = added.get(DEAD_LETTER_HEADERS.series) || FIRST_SERIES;
  if (topic === '' || !DIGITS.test(partition) || !DIGITS.test(offset)) return null;
  return {
    identity: [topicId || topic, partition, offset, series],
    coordinate: `${topic}/${partition}@${offset}`,
  };
}

/** What is told of the cause: anybody may have written any of it. */
function causeOf(
  { value, headers }: SourceRecord,
  split: ReturnType<typeof splitHeaders>,
): Pick<ArrivedLetter, 'cause' | 'fingerprint' | 'source'> {
  const text = (name: string): string => plain(split?.added.get(name) ?? '', CAUSE_MAX);
  const { source, version } = claimedFacts({ value, headers: split?.own ?? headers });
  const fingerprint = text(DEAD_LETTER_HEADERS.fingerprint);
  const code = text(DEAD_LETTER_HEADERS.code);
  return {
    cause: plain(causeWords({ code, field: text(DEAD_LETTER_HEADERS.field), version }), CAUSE_MAX),
    fingerprint: FINGERPRINT.test(fingerprint) ? fingerprint : '',
    source: plain(source, SOURCE_MAX),
  };
}

function appendTime({ timestamp }: SourceRecord, fallbackMs: number): number {
  const given = timestamp !== undefined && timestamp > 0 ? timestamp : fallbackMs;
  return Math.min(given, LATEST_MS);
}

/** The first 16 bytes of SHA-256 over the parts, written as a UUID: short, and nobody can steer it. */
function uuidOf(parts: readonly (string | number)[]): string {
  const hex = createHash('sha256').update(JSON.stringify(parts)).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20, 32)}`;
}

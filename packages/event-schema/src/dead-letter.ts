import { Buffer } from 'node:buffer';
import type { RecordHeader } from './record.ts';
import { RepeatedTexts } from './repeated-texts.ts';

/**
 * The headers a dead letter adds behind the record's own, on the DLQ and dead topics. The
 * first seven are Kafka Connect's, which existing tools read. Names are a public contract.
 */
export const DEAD_LETTER_HEADERS = {
  /** The original record's coordinate: the letter's identity. */
  topic: '__connect.errors.topic',
  partition: '__connect.errors.partition',
  offset: '__connect.errors.offset',
  /** The app that wrote the letter. */
  app: '__connect.errors.connector.name',
  stage: '__connect.errors.stage',
  exceptionClass: '__connect.errors.exception.class.name',
  message: '__connect.errors.exception.message',
  /** One of REJECTION_CODES. */
  code: 'adtally.error.code',
  /** JSON field or header concerned; empty where there is none. */
  field: 'adtally.error.field',
  version: 'adtally.producer.version',
  /** Dead topic only: Kafka's id of the original topic; one made again under its name is another. */
  topicId: 'adtally.topic.id',
  /** Dead topic only: groups letters of one cause, stable across ids and numbers. */
  fingerprint: 'adtally.error.fingerprint',
  /** Dead topic only: a person's redrive opens a new series. */
  series: 'adtally.letter.series',
  /** Dead topic only: tries in that series. */
  attempts: 'adtally.letter.attempts',
  /** Dead topic only: set where the topic will never take the record (too large, no key) and only the database has its bytes. */
  withoutBytes: 'adtally.letter.bytes',
} as const;

/** The last header of every letter: how many were added before it, so that exactly those come off again. */
const ADDED_COUNT = 'adtally.headers.added';
const ADDED_MAX = 64;
/** Letters of one cause differ in their offsets alone. */
const VALUES = new RepeatedTexts();

/** The record's own headers, then the added ones as UTF-8 text, then their number. */
export function withAddedHeaders(
  own: readonly RecordHeader[] | undefined,
  added: Readonly<Record<string, string>>,
): RecordHeader[] {
  const entries = Object.entries(added);
  return [
    ...(own ?? []),
    ...entries.map(([name, value]) => ({ [name]: Buffer.from(value) })),
    { [ADDED_COUNT]: Buffer.from(String(entries.length)) },
  ];
}

/**
 * Splits a letter's headers into the record's own and the added ones; `null` where they do not end as
 * `withAddedHeaders` leaves them. What it returns is a claim of whoever wrote the record: the database's
 * reference confirms it, or not.
 */
export function splitHeaders(
  headers: readonly RecordHeader[] | undefined,
): { own: RecordHeader[]; added: ReadonlyMap<string, string> } | null {
  const all = headers ?? [];
  const count = Number(valueOf(all.at(-1), ADDED_COUNT) ?? NaN);
  if (!Number.isInteger(count) || count < 1 || count > ADDED_MAX || count >= all.length)
    return null;
  const from = all.length - 1 - count;
  const added = new Map<string, string>();
  for (const header of all.slice(from, -1)) {
    const [name] = Object.keys(header);
    if (name === undefined) return null;
    added.set(name, valueOf(header, name) ?? '');
  }
  return { own: all.slice(0, from), added };
}

function valueOf(header: RecordHeader | undefined, name: string): string | undefined {
  const value = header?.[name];
  return Buffer.isBuffer(value) ? VALUES.text(value, 0, value.length) : value;
}

import { hash } from 'node:crypto';

/**
 * Why a record cannot be counted. The names are a public contract: they are the
 * `adtally.error.code` of a dead letter, the `code` of its reference and a metric label.
 * The order is the numeric code a batch keeps; append, never reorder within a release.
 */
export const REJECTION_CODES = [
  'empty', // null or zero-length value
  'oversize', // value longer than the limit
  'invalid_utf8',
  'malformed_json', // not JSON at all, or not one object
  'too_deep', // nesting beyond the limit
  'repeated_field', // a known field twice
  'nul_character', // U+0000 in a string
  'lone_surrogate', // an escape such as \ud800 without its partner
  'not_a_number', // NaN, Infinity
  'missing_field',
  'wrong_type', // another JSON type, or a number not spelt as a plain integer
  'out_of_range', // right type, value outside its limits: length, overflow, format of uuid, time, currency
  'schema_mismatch', // unknown schema_version or event_type
  'key_mismatch', // header adtally-event-key disagrees with the derived key
  'future', // UUIDv7 time further past the broker's append time than the topic's rules tolerate
  'expired', // before the retention horizon: uniqueness can no longer be known
  'data_refused', // PostgreSQL refuses this row (22xxx, 23xxx)
  'transient_downstream', // could not be written although its siblings could; waiting may cure it
] as const;

export type RejectionCode = (typeof REJECTION_CODES)[number];

/** A named rejection with the place and the reason, for people; never holds payload values. */
export interface Rejection {
  readonly code: RejectionCode;
  /** JSON field or header concerned, where there is one. */
  readonly field?: string;
  /** One sentence; printable ASCII only. */
  readonly message: string;
}

const FINGERPRINT_DIGITS = 16;
/** So many are kept to be told again: a flood of rejections has few causes. */
const KNOWN_MAX = 1_000;
/** Of code, field and message together. Longer ones are not kept. */
const KNOWN_CHARACTERS_MAX = 500;
const known = new Map<string, string>();

/**
 * Groups rejections of one cause: hex digits of a hash over code, field and the message without what
 * differs from record to record (ids, numbers, quoted text). An SQLSTATE is part of the cause.
 */
export function rejectionFingerprint({ code, field = '', message }: RejectionWords): string {
  const words = `${code.length} ${field.length} ${code}${field}${message}`;
  const before = known.get(words);
  if (before !== undefined) return before;
  const fingerprint = fingerprintOf(code, field, message);
  if (words.length > KNOWN_CHARACTERS_MAX) return fingerprint;
  if (known.size === KNOWN_MAX) known.clear();
  known.set(words, fingerprint);
  return fingerprint;
}

interface RejectionWords {
  readonly code: string;
  readonly field?: string | undefined;
  readonly message: string;
}

function fingerprintOf(code: string, field: string, message: string): string {
  const same = message
    .replace(/\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/gi, '<id>')
    .replace(/"[^"]*"|'[^']*'/g, '<text>')
    .replace(/(?<!SQLSTATE )\b\d+(\.\d+)?/g, '<number>');
  const cause = JSON.stringify([code, field, same]);
  return hash('sha256', cause).slice(0, FINGERPRINT_DIGITS);
}

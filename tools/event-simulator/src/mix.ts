import type { RejectionCode } from '@adtally/event-schema';

/** Rejections that no producer earns by how it spells a record. */
export type NotSpelt = 'expired' | 'data_refused' | 'transient_downstream';

/** Ways a producer can spoil a record; each is one rejection code. */
export const MALFORMED_KINDS = [
  'empty',
  'oversize',
  'invalid_utf8',
  'malformed_json',
  'too_deep',
  'repeated_field',
  'nul_character',
  'lone_surrogate',
  'not_a_number',
  'missing_field',
  'wrong_type',
  'out_of_range',
  'schema_mismatch',
  'key_mismatch',
  'future',
] as const satisfies readonly RejectionCode[];

export type MalformedKind = (typeof MALFORMED_KINDS)[number];

/** Shares of all records, each 0..1; what is left over are impressions arriving on time. */
export interface Mix {
  readonly click: number;
  readonly conversion: number;
  /** The same payload sent again: next to the first or much later, some spelt another way. */
  readonly duplicate: number;
  /** The same identity with another payload. */
  readonly conflict: number;
  readonly malformed: number;
  /** Impressions held back behind several hundred later records. */
  readonly outOfOrder: number;
  /** Of all impressions: ids that are no UUIDv7. */
  readonly nonV7: number;
  /** Valid events spelt unusually: upper-case ids, other member order, escapes, spaces. */
  readonly respelt: number;
  /** Valid events with another key, or in another partition, than their impression id gives. */
  readonly misrouted: number;
  /** Of all amounts: integers above 2^53. */
  readonly hugeAmount: number;
  /** Valid events with fields the contract does not know. */
  readonly unknownFields: number;
  /** Valid events that state their idempotency key, rightly, in a header. */
  readonly keyHeader: number;
  /** Valid events, sent for the first time, that name a recorded span in header `traceparent`. */
  readonly traceHeader: number;
}

export const DEFAULT_MIX: Mix = {
  click: 0.16,
  conversion: 0.04,
  duplicate: 0.02,
  conflict: 0.002,
  malformed: 0.004,
  outOfOrder: 0.01,
  nonV7: 0.003,
  respelt: 0.01,
  misrouted: 0.002,
  hugeAmount: 0.001,
  unknownFields: 0.005,
  keyHeader: 0.005,
  traceHeader: 0,
};

/** @throws RangeError naming every share that is no share, or when the record kinds exceed 1 together */
export function completeMix(given: Partial<Mix> = {}): Mix {
  const mix: Mix = { ...DEFAULT_MIX, ...given };
  const problems = Object.entries(mix)
    .filter(([name, share]) => !(name in DEFAULT_MIX) || !(share >= 0 && share <= 1))
    .map(([name, share]) => `${name}=${share}`);
  const kinds = mix.click + mix.conversion + mix.duplicate + mix.conflict + mix.malformed;
  if (!(kinds <= 1)) problems.push(`click+conversion+duplicate+conflict+malformed=${kinds}`);
  if (problems.length > 0)
    throw new RangeError(`shares must be known and lie in 0..1: ${problems.join(', ')}`);
  return mix;
}

/**
 * The fingerprint of a set of events: their SHA-256 hashes, each taken as four unsigned 64-bit integers (big endian),
 * are added up integer by integer modulo 2^64. So it has no order, and days add up to the month. It finds every
 * accident; whoever can make up thousands of events at will may aim at it (ADR 32).
 */
export type Lanes = readonly bigint[];

const LANE_BITS = 64;
const LANE_DIGITS = 16;

/** That of no events. */
export const NO_EVENTS: Lanes = [0n, 0n, 0n, 0n];

/** That of two sets that have no event in common, together. */
export function addLanes(one: Lanes, other: Lanes): Lanes {
  return one.map((lane, index) => BigInt.asUintN(LANE_BITS, lane + (other[index] ?? 0n)));
}

/** 64 hex digits. */
export function fingerprintText(lanes: Lanes): string {
  return lanes.map((lane) => lane.toString(16).padStart(LANE_DIGITS, '0')).join('');
}

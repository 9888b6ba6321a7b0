import { mix32, type Rng } from './rng.ts';

const BYTE_HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

function hex8(value: number): string {
  return (
    (BYTE_HEX[value >>> 24] as string) +
    (BYTE_HEX[(value >>> 16) & 0xff] as string) +
    (BYTE_HEX[(value >>> 8) & 0xff] as string) +
    (BYTE_HEX[value & 0xff] as string)
  );
}

function hex4(value: number): string {
  return (BYTE_HEX[(value >>> 8) & 0xff] as string) + (BYTE_HEX[value & 0xff] as string);
}

/**
 * A UUIDv7 born at that millisecond, canonical lower case. Two ids of one run never collide as long as
 * their `unique` numbers (0..2^32-1) differ: the last 32 bits are a bijection of it, so the truth need
 * not rest on luck.
 */
export function uuidV7(unixMillis: number, unique: number, rng: Rng): string {
  const high = Math.floor(unixMillis / 0x10000);
  const bits = rng.uint32();
  return text(high, unixMillis % 0x10000, 0x7000 | (bits & 0xfff), bits >>> 16, unique, rng);
}

/** A random UUIDv4, canonical lower case: an identity that carries no time. `unique` as above. */
export function uuidV4(unique: number, rng: Rng): string {
  const bits = rng.uint32();
  return text(rng.uint32(), bits & 0xffff, 0x4000 | (bits >>> 20), rng.uint32(), unique, rng);
}

function text(
  first: number,
  second: number,
  third: number,
  fourth: number,
  unique: number,
  rng: Rng,
): string {
  const variant = 0x8000 | (fourth & 0x3fff);
  const node = rng.uint32() & 0xffff;
  return `${hex8(first)}-${hex4(second)}-${hex4(third)}-${hex4(variant)}-${hex4(node)}${hex8(mix32(unique))}`;
}

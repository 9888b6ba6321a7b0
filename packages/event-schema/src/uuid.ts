import { Buffer } from 'node:buffer';

/** The 8-4-4-4-12 form, either case; the only spelling the contract knows. */
export const UUID_PATTERN =
  '^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$';

/** Length of that form. */
export const UUID_TEXT_LENGTH = 36;

const UUID_REGEXP = new RegExp(UUID_PATTERN);

/** The 16 bytes of a UUID in text form, or `null` where the text is no UUID. */
export function uuidBytes(text: string): Buffer | null {
  return UUID_REGEXP.test(text) ? Buffer.from(text.replaceAll('-', ''), 'hex') : null;
}

/** The canonical (lower case) text of the UUID whose 16 bytes start at `offset`. */
export function uuidText(bytes: Uint8Array, offset = 0): string {
  const hex = Buffer.from(bytes.buffer, bytes.byteOffset + offset, 16).toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

/** Ids born in 2100 or later carry no time: they only look like UUIDv7 (`rollup_cohort` says the same). */
export const TIMELESS_FROM_MS = Date.UTC(2100, 0, 1);

/**
 * When the id was made, in milliseconds since 1970, or -1 where it carries no time, whatever its first
 * bytes look like: a UUID of another version or variant, or one whose time lies in 2100 or later. One in 64
 * hashes spelt as a UUID passes for version 7, and early drafts of it put seconds where milliseconds are
 * now; nearly all of them lie there. A function of the id alone, so that it means the same for ever.
 */
export function idMillis(bytes: Uint8Array, offset = 0): number {
  const version = (bytes[offset + 6] as number) >> 4;
  const variant = (bytes[offset + 8] as number) >> 6;
  if (version !== 7 || variant !== 2) return -1;
  const high = ((bytes[offset] as number) << 8) | (bytes[offset + 1] as number);
  const low =
    ((bytes[offset + 2] as number) * 0x1000000 +
      (((bytes[offset + 3] as number) << 16) |
        ((bytes[offset + 4] as number) << 8) |
        (bytes[offset + 5] as number))) >>>
    0;
  const millis = high * 0x100000000 + low;
  return millis < TIMELESS_FROM_MS ? millis : -1;
}

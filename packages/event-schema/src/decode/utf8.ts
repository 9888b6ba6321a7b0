/**
 * Where the multi-byte UTF-8 sequence that starts at `at` ends, or -1 where it is none: exactly what a
 * fatal TextDecoder accepts (no overlong forms, no surrogates, nothing past U+10FFFF).
 */
export function sequenceEnd(bytes: Uint8Array, at: number): number {
  const lead = bytes[at] as number;
  const second = bytes[at + 1] as number;
  if (lead >= 0xc2 && lead <= 0xdf) return isContinuation(second) ? at + 2 : -1;
  if (lead >= 0xe0 && lead <= 0xef) {
    const lowest = lead === 0xe0 ? 0xa0 : 0x80;
    const highest = lead === 0xed ? 0x9f : 0xbf;
    const isValid =
      second >= lowest && second <= highest && isContinuation(bytes[at + 2] as number);
    return isValid ? at + 3 : -1;
  }
  if (lead >= 0xf0 && lead <= 0xf4) {
    const lowest = lead === 0xf0 ? 0x90 : 0x80;
    const highest = lead === 0xf4 ? 0x8f : 0xbf;
    const isValid =
      second >= lowest &&
      second <= highest &&
      isContinuation(bytes[at + 2] as number) &&
      isContinuation(bytes[at + 3] as number);
    return isValid ? at + 4 : -1;
  }
  return -1;
}

/** Code points in valid UTF-8. */
export function codePoints(bytes: Uint8Array, start: number, end: number): number {
  let count = 0;
  for (let at = start; at < end; at += 1) if (!isContinuation(bytes[at] as number)) count += 1;
  return count;
}

// Past the end of the bytes this is asked of undefined, which is no continuation.
function isContinuation(byte: number): boolean {
  return (byte & 0xc0) === 0x80;
}

import type { Buffer } from 'node:buffer';

/** A power of two. */
const SLOTS = 256;
/** Longer ones are seldom the same twice. */
const BYTES_MAX = 64;

interface Known {
  readonly bytes: Uint8Array;
  readonly text: string;
}

/** Texts that stand in many records: each is decoded once, and is the same string everywhere. */
export class RepeatedTexts {
  readonly #known: (Known | undefined)[] = Array.from({ length: SLOTS });

  /** The text of these bytes; what is no UTF-8 reads as U+FFFD. */
  text(bytes: Buffer, start: number, length: number): string {
    if (length === 0 || length > BYTES_MAX) return bytes.toString('utf8', start, start + length);
    const slot = slotOf(bytes, start, length);
    const known = this.#known[slot];
    if (known !== undefined && isAt(known.bytes, bytes, start, length)) return known.text;
    const text = bytes.toString('utf8', start, start + length);
    // Bytes of their own, not of a pool: one that is kept would hold on to all of it.
    this.#known[slot] = { bytes: new Uint8Array(bytes.subarray(start, start + length)), text };
    return text;
  }
}

/** By what names of one family differ in: their length and their last letters. */
function slotOf(bytes: Uint8Array, start: number, length: number): number {
  const last = start + length - 1;
  const middle = bytes[start + (length >> 1)] as number;
  return (length * 31 + (bytes[last] as number) * 7 + middle) & (SLOTS - 1);
}

function isAt(known: Uint8Array, bytes: Uint8Array, start: number, length: number): boolean {
  if (known.length !== length) return false;
  for (let at = 0; at < length; at += 1) if (known[at] !== bytes[start + at]) return false;
  return true;
}

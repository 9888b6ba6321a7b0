/** Bytes a varint of 32 or 64 bits can have at most. */
const VARINT_BYTES_MAX = 5;
const VARLONG_BYTES_MAX = 10;

/** The bytes are none of a record's: a length, a number or an end is not where it must be. */
export class MalformedBytes extends Error {
  override readonly name = 'MalformedBytes';
}

/**
 * Reads the numbers a record is made of, never outside `position <= limit`. Varints are zigzag, low seven
 * bits first (https://protobuf.dev/programming-guides/encoding/#signed-ints).
 */
export class ByteCursor {
  readonly bytes: Buffer;
  readonly limit: number;
  position: number;

  constructor(bytes: Buffer, start: number, limit: number) {
    this.bytes = bytes;
    this.position = start;
    this.limit = limit;
  }

  /** A signed integer of 32 bits. */
  varint(): number {
    const { bytes } = this;
    let at = this.position;
    let byte = at < this.limit ? (bytes[at] as number) : outOfBytes();
    at += 1;
    if (byte < 0x80) {
      // Nearly all are below 64: lengths of keys, differences of time and offset.
      this.position = at;
      return (byte >>> 1) ^ -(byte & 1);
    }
    let value = byte & 0x7f;
    const last = Math.min(this.limit, this.position + VARINT_BYTES_MAX);
    for (let shift = 7; ; shift += 7) {
      byte = at < last ? (bytes[at] as number) : outOfBytes();
      at += 1;
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) break;
    }
    this.position = at;
    return (value >>> 1) ^ -(value & 1);
  }

  /** A signed integer of 64 bits, exact up to 2^53. */
  varlong(): number {
    const { bytes } = this;
    const last = Math.min(this.limit, this.position + VARLONG_BYTES_MAX);
    let at = this.position;
    let value = 0;
    for (let factor = 1; ; factor *= 0x80) {
      const byte = at < last ? (bytes[at] as number) : outOfBytes();
      at += 1;
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) break;
    }
    this.position = at;
    // Above 2^31 the bit operations of zigzag would cut the number.
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }

  /** Passes over so many bytes and returns where they began. */
  skip(length: number): number {
    const start = this.position;
    if (length > this.limit - start) outOfBytes();
    this.position = start + length;
    return start;
  }
}

function outOfBytes(): never {
  throw new MalformedBytes('a number or a length reaches past the end');
}

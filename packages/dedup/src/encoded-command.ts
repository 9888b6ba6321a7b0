import { Command } from 'ioredis';

const CRLF = 0x0d0a;
const MINUS = 0x2d;
const ZERO = 0x30;
/** `$11\r\n-2147483648\r\n` */
const MEMBER_BYTES_MAX = 18;

/**
 * Numbers encoded for the wire (RESP) as arguments of commands: a string an argument, joined by the client, cost
 * more than all else of asking Redis. Filled, sent with one key, and reused.
 */
export class EncodedMembers {
  count = 0;
  #bytes = Buffer.allocUnsafe(64 * MEMBER_BYTES_MAX);
  #at = 0;

  /** Forgets what was added, and makes room for so many. */
  begin(countMax: number): void {
    this.count = 0;
    this.#at = 0;
    const needed = countMax * MEMBER_BYTES_MAX;
    if (this.#bytes.length < needed) this.#bytes = Buffer.allocUnsafe(needed);
  }

  /** Adds one 32-bit signed number. */
  add(member: number): void {
    const bytes = this.#bytes;
    const digits = digitsOf(Math.abs(member));
    const length = member < 0 ? digits + 1 : digits;
    let at = this.#at;
    bytes[at++] = 0x24;
    if (length > 9) bytes[at++] = ZERO + 1;
    bytes[at++] = ZERO + (length % 10);
    at = lineEnd(bytes, at);
    if (member < 0) bytes[at++] = MINUS;
    let left = Math.abs(member);
    for (let place = at + digits - 1; place >= at; place -= 1) {
      const tenth = Math.floor(left / 10);
      bytes[place] = ZERO + left - tenth * 10;
      left = tenth;
    }
    this.#at = lineEnd(bytes, at + digits);
    this.count += 1;
  }

  get bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#at);
  }
}

/** A command on a key with members, encoded when it is made. */
export class EncodedCommand extends Command {
  readonly #bytes: Buffer;

  constructor(name: string, key: string, members: EncodedMembers) {
    // The key alone: by it a cluster finds the node.
    super(name, [key]);
    const head = `*${2 + members.count}\r\n$${name.length}\r\n${name}\r\n$${Buffer.byteLength(key)}\r\n${key}\r\n`;
    const { bytes } = members;
    const encoded = Buffer.allocUnsafe(Buffer.byteLength(head) + bytes.length);
    encoded.set(bytes, encoded.write(head));
    this.#bytes = encoded;
  }

  override toWritable(): Buffer {
    return this.#bytes;
  }
}

function lineEnd(bytes: Buffer, at: number): number {
  bytes[at] = CRLF >> 8;
  bytes[at + 1] = CRLF & 0xff;
  return at + 2;
}

function digitsOf(value: number): number {
  let digits = 1;
  for (let limit = 10; limit <= value; limit *= 10) digits += 1;
  return digits;
}

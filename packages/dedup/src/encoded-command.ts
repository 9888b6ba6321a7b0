import { Command } from 'ioredis';

const CRLF = 0x0d0a;
const MINUS = 0x2d;
const ZERO = 0x30;
/** `$11\r\n-2147483648\r\n` */
const MEMBER_BYTES_MAX = 18;

/**
 * A command whose arguments behind the key are 32-bit numbers, encoded for the wire (RESP) as they are added: a
 * string an argument, joined by the client, cost more than all else of asking Redis.
 */
export class EncodedCommand extends Command {
  readonly key: string;
  readonly #bytes: Buffer;
  #at: number;

  /** Room for `memberCount` members; as many must be added before it is sent. */
  constructor(name: string, key: string, memberCount: number) {
    // The key alone: by it a cluster finds the node.
    super(name, [key]);
    this.key = key;
    const head = `*${2 + memberCount}\r\n$${name.length}\r\n${name}\r\n$${Buffer.byteLength(key)}\r\n${key}\r\n`;
    this.#bytes = Buffer.allocUnsafe(Buffer.byteLength(head) + memberCount * MEMBER_BYTES_MAX);
    this.#at = this.#bytes.write(head);
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
  }

  override toWritable(): Buffer {
    return this.#bytes.subarray(0, this.#at);
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

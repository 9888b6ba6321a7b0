import { closeSync, openSync, readdirSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';

/** Bytes in front of what the batch's length counts: base offset and length. */
const PREFIX_BYTES = 12;
/** The records begin here, in bytes from the batch's start. */
const HEADER_BYTES = 61;
const AT = { length: 8, magic: 16, lastOffsetDelta: 23, record: HEADER_BYTES + 20 } as const;
/** Further than a test's offsets. */
const FAR = 2 ** 20;

/**
 * What a failing disk may do to a batch.
 * - `records`: a byte of its records · `magic`: the byte that says its format
 * - `length-none`: a length that no batch has · `length-far`: one that reaches past the log
 * - `offset-on`, `offset-back`: its base offset, which no CRC counts, by one bit higher or lower
 */
export type Damage =
  | 'records'
  | 'magic'
  | 'length-none'
  | 'length-far'
  | 'offset-on'
  | 'offset-back';

interface Batch {
  readonly path: string;
  readonly bytes: Buffer;
  readonly start: number;
  readonly first: number;
  /** The offset behind its last. */
  readonly end: number;
}

/**
 * Damages a batch on a broker's disk, as a failing disk does; the broker may run. Returns the batch's first offset,
 * and the one behind its last.
 *
 * @param folder of the partition, holding `00000000000000000000.log` and its like
 * @param index of the batch from the log's start, or where below zero from its end: -1 is the last
 * @throws Error where there is no such batch
 */
export function damageBatch(
  folder: string,
  index: number,
  damage: Damage = 'records',
): { first: number; end: number } {
  const batches = segments(folder).flatMap(batchesOf);
  const batch = batches.at(index);
  if (batch === undefined) {
    throw new Error(`${folder} has ${batches.length} batches: none numbered ${index}`);
  }
  const [at, bytes] = damaged(batch, damage);
  const file = openSync(batch.path, 'r+');
  try {
    writeSync(file, bytes, 0, bytes.length, batch.start + at);
  } finally {
    closeSync(file);
  }
  return { first: batch.first, end: batch.end };
}

/** The names begin with the first offset, in twenty digits. */
function segments(folder: string): string[] {
  const logs = readdirSync(folder).filter((name) => name.endsWith('.log'));
  return logs.toSorted().map((name) => join(folder, name));
}

function batchesOf(path: string): Batch[] {
  const bytes = readFileSync(path);
  const batches: Batch[] = [];
  for (let start = 0; start + HEADER_BYTES < bytes.length;) {
    const length = bytes.readInt32BE(start + AT.length);
    if (length <= 0) break;
    const first = Number(bytes.readBigInt64BE(start));
    const end = first + bytes.readInt32BE(start + AT.lastOffsetDelta) + 1;
    batches.push({ path, bytes, start, first, end });
    start += PREFIX_BYTES + length;
  }
  return batches;
}

/** Where in the batch, and the bytes that stand there from now on. */
function damaged({ bytes, start, first }: Batch, damage: Damage): [at: number, bytes: Buffer] {
  switch (damage) {
    case 'records':
      return [AT.record, Buffer.of((bytes[start + AT.record] ?? 0) ^ 0xff)];
    case 'magic':
      return [AT.magic, Buffer.of(0x42)];
    case 'length-none':
      return [AT.length, int32(0)];
    case 'length-far':
      return [AT.length, int32(2 ** 30)];
    case 'offset-on':
      return [0, int64(first ^ FAR)];
    case 'offset-back':
      return [0, int64(first - highestBit(first))];
    default:
      return damage satisfies never;
  }
}

function highestBit(n: number): number {
  return n === 0 ? 0 : 2 ** Math.floor(Math.log2(n));
}

function int32(n: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(n);
  return bytes;
}

function int64(n: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64BE(BigInt(n));
  return bytes;
}

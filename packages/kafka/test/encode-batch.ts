import { crc32c } from '@node-rs/crc32';

export interface EncodedRecord {
  readonly offset: number;
  readonly timestampMs: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: readonly (readonly [string, Buffer | null])[];
}

export interface BatchOptions {
  readonly baseOffset: number;
  readonly lastOffset: number;
  readonly codec?: number;
  readonly compress?: (bytes: Buffer) => Buffer;
  readonly producerId?: bigint;
  readonly isTransactional?: boolean;
  readonly isControl?: boolean;
  readonly appendTimeMs?: number;
}

/** Bytes of a record batch of format 2, written after the published layout and not after our reader. */
export function encodeBatch(records: readonly EncodedRecord[], options: BatchOptions): Buffer {
  const { baseOffset, lastOffset, codec = 0, compress = (bytes: Buffer) => bytes } = options;
  const baseTimestamp = records[0]?.timestampMs ?? -1;
  const body = compress(
    Buffer.concat(records.map((record) => encodeRecord(record, baseOffset, baseTimestamp))),
  );
  const batch = Buffer.alloc(61 + body.length);
  body.copy(batch, 61);
  batch.writeBigInt64BE(BigInt(baseOffset), 0);
  batch.writeInt32BE(batch.length - 12, 8);
  batch.writeInt32BE(7, 12);
  batch.writeInt8(2, 16);
  const attributes =
    codec |
    (options.appendTimeMs === undefined ? 0 : 8) |
    (options.isTransactional === true ? 16 : 0) |
    (options.isControl === true ? 32 : 0);
  batch.writeInt16BE(attributes, 21);
  batch.writeInt32BE(lastOffset - baseOffset, 23);
  batch.writeBigInt64BE(BigInt(baseTimestamp), 27);
  batch.writeBigInt64BE(BigInt(options.appendTimeMs ?? baseTimestamp), 35);
  batch.writeBigInt64BE(options.producerId ?? -1n, 43);
  batch.writeInt16BE(-1, 51);
  batch.writeInt32BE(-1, 53);
  batch.writeInt32BE(records.length, 57);
  return sealed(batch);
}

/** Writes the CRC that the bytes have by now. */
export function sealed(batch: Buffer): Buffer {
  batch.writeUInt32BE(crc32c(batch.subarray(21)), 17);
  return batch;
}

/** A marker of a transaction: kind 0 aborts, 1 commits. */
export function encodeMarker(offset: number, producerId: bigint, kind: 0 | 1): Buffer {
  const key = Buffer.from([0, 0, 0, kind]);
  const record = { offset, timestampMs: 1, key, value: Buffer.alloc(6), headers: [] };
  return encodeBatch([record], {
    baseOffset: offset,
    lastOffset: offset,
    producerId,
    isTransactional: true,
    isControl: true,
  });
}

function encodeRecord(record: EncodedRecord, baseOffset: number, baseTimestamp: number): Buffer {
  const headers = record.headers.map(([name, value]) =>
    Buffer.concat([sized(Buffer.from(name)), sized(value)]),
  );
  const content = Buffer.concat([
    Buffer.from([0]),
    varint(BigInt(record.timestampMs - baseTimestamp)),
    varint(BigInt(record.offset - baseOffset)),
    sized(record.key),
    sized(record.value),
    varint(BigInt(headers.length)),
    ...headers,
  ]);
  return sized(content);
}

function sized(bytes: Buffer | null): Buffer {
  return bytes === null ? varint(-1n) : Buffer.concat([varint(BigInt(bytes.length)), bytes]);
}

function varint(value: bigint): Buffer {
  const bytes: number[] = [];
  let left = BigInt.asUintN(64, (value << 1n) ^ (value >> 63n));
  for (; left >= 0x80n; left >>= 7n) bytes.push(Number(left & 0x7fn) | 0x80);
  bytes.push(Number(left));
  return Buffer.from(bytes);
}

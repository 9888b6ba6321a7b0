/**
 * Where the fields of a record batch of format 2 lie, in bytes from its start
 * (https://kafka.apache.org/documentation/#recordbatch). Integers are big endian.
 */
const AT = {
  baseOffset: 0,
  /** Bytes that follow this field. */
  batchLength: 8,
  leaderEpoch: 12,
  magic: 16,
  crc: 17,
  /** From here to the batch's end the CRC counts. */
  attributes: 21,
  lastOffsetDelta: 23,
  baseTimestamp: 27,
  maxTimestamp: 35,
  producerId: 43,
  recordCount: 57,
  records: 61,
} as const;

/** Bytes before the length is known. */
const PREFIX_BYTES = 12;
/** Two to the 32: the high word of a 64-bit integer counts so much. */
const WORD = 2 ** 32;

const CODEC_BITS = 0x07;
const LOG_APPEND_TIME_BIT = 0x08;
const TRANSACTIONAL_BIT = 0x10;
const CONTROL_BIT = 0x20;

/** The only format brokers write since Kafka 0.11; from 4.0 on they hold no older one. */
export const MAGIC = 2;

/** One batch in a buffer that may hold several; positions are the buffer's, in bytes. */
export interface BatchHeader {
  readonly start: number;
  readonly end: number;
  readonly magic: number;
  readonly crc: number;
  readonly crcStart: number;
  readonly recordsStart: number;
  readonly baseOffset: number;
  /** Of the last record, or of what compaction took of it: the next batch begins behind it. */
  readonly lastOffset: number;
  /** Of the leader that appended it. */
  readonly leaderEpoch: number;
  /** 0 none, 1 gzip, 2 snappy, 3 lz4, 4 zstd. */
  readonly codec: number;
  readonly isTransactional: boolean;
  /** Holds markers of transactions or of the broker, and no record of a producer. */
  readonly isControl: boolean;
  readonly producerId: bigint;
  /** Milliseconds since 1970, to which each record adds its own difference. */
  readonly baseTimestampMs: number;
  /** Under `LogAppendTime` the time of all records; else null. */
  readonly appendTimeMs: number | null;
  readonly recordCount: number;
}

/**
 * Reads the header of the batch at `start`; null where the buffer ends before the batch does, as the last
 * of a fetch may. A length that no batch can have is told by `end <= start`: what follows cannot be found.
 */
export function readBatchHeader(bytes: Buffer, start: number): BatchHeader | null {
  if (bytes.length - start < PREFIX_BYTES) return null;
  const baseOffset = int64(bytes, start + AT.baseOffset);
  const batchLength = bytes.readInt32BE(start + AT.batchLength);
  // Formats 0 and 1 have shorter headers, and the magic byte at the same place.
  if (batchLength <= AT.magic - PREFIX_BYTES) return broken(start, baseOffset);
  const end = start + PREFIX_BYTES + batchLength;
  if (end > bytes.length) return null;
  const magic = bytes.readInt8(start + AT.magic);
  if (magic !== MAGIC) return { ...broken(start, baseOffset), end, magic };
  if (end - start < AT.records) return broken(start, baseOffset);
  const attributes = bytes.readInt16BE(start + AT.attributes);
  return {
    start,
    end,
    magic,
    crc: bytes.readUInt32BE(start + AT.crc),
    crcStart: start + AT.attributes,
    recordsStart: start + AT.records,
    baseOffset,
    lastOffset: baseOffset + bytes.readInt32BE(start + AT.lastOffsetDelta),
    leaderEpoch: bytes.readInt32BE(start + AT.leaderEpoch),
    codec: attributes & CODEC_BITS,
    isTransactional: (attributes & TRANSACTIONAL_BIT) !== 0,
    isControl: (attributes & CONTROL_BIT) !== 0,
    producerId: bytes.readBigInt64BE(start + AT.producerId),
    baseTimestampMs: int64(bytes, start + AT.baseTimestamp),
    appendTimeMs:
      (attributes & LOG_APPEND_TIME_BIT) === 0 ? null : int64(bytes, start + AT.maxTimestamp),
    recordCount: bytes.readInt32BE(start + AT.recordCount),
  };
}

function broken(start: number, baseOffset: number): BatchHeader {
  return {
    start,
    end: start,
    magic: MAGIC,
    crc: 0,
    crcStart: start,
    recordsStart: start,
    baseOffset,
    lastOffset: baseOffset,
    leaderEpoch: -1,
    codec: 0,
    isTransactional: false,
    isControl: false,
    producerId: -1n,
    baseTimestampMs: -1,
    appendTimeMs: null,
    recordCount: 0,
  };
}

/** Exact up to 2^53, which is beyond any offset and any millisecond of a real log. */
function int64(bytes: Buffer, at: number): number {
  return bytes.readInt32BE(at) * WORD + bytes.readUInt32BE(at + 4);
}

import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import { decompressFrameSync } from 'lz4-napi';
import { uncompressSync } from 'snappy';

/**
 * What a batch may grow to: a broker takes no record above `message.max.bytes`, and no batch either, so that
 * a few bytes that claim to hold more are none of a producer's.
 */
export const DECOMPRESSED_BYTES_MAX = 1024 * 1024 * 1024;

/** The codecs of a batch, by their number in its attributes. */
const CODECS: readonly ((bytes: Buffer) => Buffer)[] = [
  (bytes) => bytes,
  (bytes) => gunzipSync(bytes, { maxOutputLength: DECOMPRESSED_BYTES_MAX }),
  decompressSnappy,
  (bytes) => decompressFrameSync(bytes),
  (bytes) => zstdDecompressSync(bytes, { maxOutputLength: DECOMPRESSED_BYTES_MAX }),
];

export function isKnownCodec(codec: number): boolean {
  return codec < CODECS.length;
}

/** Throws whatever the codec throws where the bytes are none of its. */
export function decompress(codec: number, bytes: Buffer): Buffer {
  const run = CODECS[codec];
  if (run === undefined) throw new Error(`codec ${codec} is unknown`);
  return run(bytes);
}

/** Java producers cut what they compress into blocks, each with its length; librdkafka writes one block. */
const JAVA_SNAPPY_MAGIC = Buffer.from('\u0082SNAPPY\0', 'latin1');
/** The magic, a version and the oldest version that reads it. */
const JAVA_SNAPPY_HEADER_BYTES = 16;

function decompressSnappy(bytes: Buffer): Buffer {
  if (!bytes.subarray(0, JAVA_SNAPPY_MAGIC.length).equals(JAVA_SNAPPY_MAGIC)) {
    return uncompressSync(bytes) as Buffer;
  }
  const blocks: Buffer[] = [];
  for (let at = JAVA_SNAPPY_HEADER_BYTES; at < bytes.length;) {
    const length = bytes.readUInt32BE(at);
    const end = at + 4 + length;
    if (end > bytes.length) throw new Error('a snappy block reaches past the batch');
    blocks.push(uncompressSync(bytes.subarray(at + 4, end)) as Buffer);
    at = end;
  }
  return Buffer.concat(blocks);
}

import { gzipSync, zstdCompressSync } from 'node:zlib';
import {
  encodeBatch,
  encodeMarker,
  FetchedLog,
  RecordSpans,
  sealed,
  type EncodedRecord,
} from '@adtally/kafka/testing';
import { type FuzzTarget, must } from '../target.ts';

const PARTITION = 3;
const ROWS = 4;
const PRODUCER = 5n;
const HEADER_BYTES = 61;
/** Of a batch: where its length stands, and what stands before the bytes that it counts. */
const LENGTH_AT = 8;
const LENGTH_ENDS = 12;
const ABORTED = [{ producerId: PRODUCER, firstOffset: 4 }];

const record = (offset: number): EncodedRecord => ({
  offset,
  timestampMs: 1_700_000_000_000 + offset,
  key: offset % 2 === 0 ? Buffer.from('key') : null,
  value: offset % 3 === 0 ? null : Buffer.from(`value ${offset}`),
  headers: [
    ['name', Buffer.from('header')],
    ['', null],
  ],
});
const batch = (from: number, count: number, options: object = {}): Buffer =>
  encodeBatch(
    Array.from({ length: count }, (_, index) => record(from + index)),
    { baseOffset: from, lastOffset: from + count - 1, ...options },
  );

export default {
  name: 'record-batches',
  what: 'the bytes of a fetch: records in order and inside of the bytes, or a named fault; half of them with right checksums',
  share: 20,
  seeds: () => {
    const gzip = { codec: 1, compress: (bytes: Buffer) => gzipSync(bytes) };
    const zstd = { codec: 4, compress: (bytes: Buffer) => zstdCompressSync(bytes) };
    const transaction = { producerId: PRODUCER, isTransactional: true };
    return [
      Buffer.concat([batch(0, 3), batch(3, 1, { appendTimeMs: 9 })]),
      Buffer.concat([batch(0, 2, gzip), batch(2, 5, zstd)]),
      Buffer.concat([
        batch(0, 4),
        batch(4, 2, transaction),
        encodeMarker(6, PRODUCER, 0),
        batch(7, 1),
      ]),
    ];
  },
  dictionary: ['\0\0\0\0', '\u0001', '\u007f', 'key', 'name'],
  run: (input) => {
    const log = input.length % 2 === 0 ? withChecksums(input) : input;
    // In a larger piece of memory, where a read outside finds bytes that are none of its.
    const room = Buffer.alloc(log.length + 64, 0x7f);
    log.copy(room, 32);
    const fetched = new FetchedLog(PARTITION, room.subarray(32, 32 + log.length), 0, ABORTED);
    const spans = new RecordSpans(ROWS);
    let [last, records, position] = [-1, 0, 0];
    for (;;) {
      const end = fetched.read(spans);
      must(fetched.position >= position, 'the position goes back');
      position = fetched.position;
      for (let row = 0; row < spans.count; row += 1) {
        const { offset, value, key } = spans.record(row, 'a-topic');
        must(
          offset > last && offset < position,
          `offset ${offset} behind ${last}, before ${position}`,
        );
        must(
          (value?.length ?? 0) <= room.length * 1_024 && key !== undefined,
          'a value of nowhere',
        );
        last = offset;
        records += 1;
      }
      must(spans.count > 0 || end !== 'full', 'full of nothing');
      spans.clear();
      if (end === 'full') continue;
      must((end === 'unreadable') === (fetched.fault !== null), 'a fault that is not told');
      return `${end}, ${records === 0 ? 'no record' : 'records'}`;
    }
  },
} satisfies FuzzTarget;

/** Gives every batch that is whole the checksum of the bytes it has now, so that readers come to look inside. */
function withChecksums(input: Buffer): Buffer {
  const log = Buffer.from(input);
  for (let at = 0; at + HEADER_BYTES <= log.length;) {
    const end = at + LENGTH_ENDS + log.readInt32BE(at + LENGTH_AT);
    if (end < at + HEADER_BYTES || end > log.length) break;
    sealed(log.subarray(at, end));
    at = end;
  }
  return log;
}

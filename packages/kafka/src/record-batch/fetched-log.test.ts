import { gzipSync, zstdCompressSync } from 'node:zlib';
import fc from 'fast-check';
import { compressFrameSync } from 'lz4-napi';
import { compressSync as snappySync } from 'snappy';
import { expect, test } from 'vitest';
import { encodeBatch, encodeMarker, sealed, type EncodedRecord } from '../../test/encode-batch.ts';
import type { AbortedTransaction } from './aborted-transactions.ts';
import { FetchedLog } from './fetched-log.ts';
import { RecordSpans } from './record-spans.ts';

const COMPRESS: readonly ((bytes: Buffer) => Buffer)[] = [
  (bytes) => bytes,
  (bytes) => gzipSync(bytes),
  (bytes) => snappySync(bytes),
  (bytes) => compressFrameSync(bytes),
  (bytes) => zstdCompressSync(bytes),
];
const PARTITION = 3;

const someBytes = fc.uint8Array({ maxLength: 200 }).map((array) => Buffer.from(array));
const maybeBytes = fc.option(someBytes);
const content = fc.record({
  timestampMs: fc.integer({ min: 0, max: 2 ** 45 }),
  key: maybeBytes,
  value: maybeBytes,
  headers: fc.array(fc.tuple(fc.string({ unit: 'grapheme', maxLength: 20 }), maybeBytes), {
    maxLength: 4,
  }),
});
/** Batches as a log may hold them: offsets go up, some are missing, each batch by a codec of its own. */
const logs = fc
  .array(
    fc.record({
      codec: fc.nat({ max: 4 }),
      gap: fc.nat({ max: 3 }),
      appendTimeMs: fc.option(fc.integer({ min: 0, max: 2 ** 45 })),
      records: fc.array(fc.tuple(fc.nat({ max: 2 }), content), { maxLength: 6 }),
      after: fc.nat({ max: 2 }),
    }),
    { maxLength: 6 },
  )
  .map((batches) => {
    const expected: EncodedRecord[] = [];
    const encoded: Buffer[] = [];
    let next = 0;
    for (const { codec, gap, appendTimeMs, records, after } of batches) {
      const baseOffset = (next += gap);
      const own = records.map(([skipped, one]) => {
        const record = { ...one, offset: next + skipped };
        next = record.offset + 1;
        return record;
      });
      const lastOffset = Math.max(next - 1, baseOffset) + after;
      next = lastOffset + 1;
      encoded.push(
        encodeBatch(own, {
          baseOffset,
          lastOffset,
          codec,
          compress: COMPRESS[codec] as (bytes: Buffer) => Buffer,
          ...(appendTimeMs === null ? {} : { appendTimeMs }),
        }),
      );
      expected.push(
        ...own.map((one) => ({
          ...one,
          timestampMs: appendTimeMs ?? one.timestampMs,
          headers: one.headers.map(([name, value]) => [name, value ?? Buffer.alloc(0)] as const),
        })),
      );
    }
    return { bytes: Buffer.concat(encoded), encoded, expected, end: next };
  });

interface Read {
  records: EncodedRecord[];
  log: FetchedLog;
}

function readAll(
  bytes: Buffer,
  from = 0,
  capacity = 4,
  aborted: readonly AbortedTransaction[] = [],
): Read {
  const log = new FetchedLog(PARTITION, bytes, from, aborted);
  const spans = new RecordSpans(capacity);
  const records: EncodedRecord[] = [];
  for (;;) {
    const end = log.read(spans);
    for (let row = 0; row < spans.count; row += 1) {
      const record = spans.record(row, 'a-topic');
      expect(record.partition).toBe(PARTITION);
      records.push({
        offset: record.offset,
        timestampMs: record.timestamp ?? -1,
        key: record.key as Buffer | null,
        value: record.value,
        headers: (record.headers ?? []).map((header) => {
          const [name = ''] = Object.getOwnPropertyNames(header);
          return [name, header[name] as Buffer] as const;
        }),
      });
    }
    spans.clear();
    if (end !== 'full') return { records, log };
  }
}

test('reads every record of every codec, in pieces of any size, from any offset', () => {
  fc.assert(
    fc.property(
      logs,
      fc.integer({ min: 1, max: 9 }),
      fc.nat({ max: 20 }),
      (log, capacity, from) => {
        const read = readAll(log.bytes, from, capacity);
        expect(read.records).toEqual(log.expected.filter(({ offset }) => offset >= from));
        expect(read.log.fault).toBeNull();
        expect(read.log.position).toBe(Math.max(from, log.encoded.length === 0 ? from : log.end));
      },
    ),
  );
});

test('a batch cut at the end of the fetch is left for the next one', () => {
  fc.assert(
    fc.property(logs, fc.nat(), (log, cut) => {
      const length = cut % (log.bytes.length + 1);
      const read = readAll(log.bytes.subarray(0, length));
      expect(read.log.fault).toBeNull();
      const rest = readAll(log.bytes.subarray(length - read.log.bytesLeft), read.log.position);
      expect([...read.records, ...rest.records]).toEqual(log.expected);
    }),
  );
});

const one = (offset: number): EncodedRecord => ({
  offset,
  timestampMs: 1_700_000_000_000,
  key: Buffer.from('k'),
  value: Buffer.from(`value ${offset}`),
  headers: [],
});
const batchOf = (offset: number, options: object = {}): Buffer =>
  encodeBatch([one(offset)], { baseOffset: offset, lastOffset: offset, ...options });
const offsetsOf = ({ records }: Read): number[] => records.map(({ offset }) => offset);

test('records of an aborted transaction and markers are stepped over, and the position with them', () => {
  const ofA = { producerId: 5n, isTransactional: true };
  const ofB = { producerId: 6n, isTransactional: true };
  const bytes = Buffer.concat([
    batchOf(0, ofA),
    batchOf(1, ofB),
    batchOf(2),
    batchOf(3, ofA),
    encodeMarker(4, 5n, 0),
    batchOf(5, ofA),
    encodeMarker(6, 5n, 1),
    encodeMarker(7, 6n, 1),
  ]);
  const read = readAll(bytes, 0, 4, [{ producerId: 5n, firstOffset: 0 }]);
  expect(offsetsOf(read)).toEqual([1, 2, 5]);
  expect(read.log.position).toBe(8);
});

test('a producer that aborts twice loses both transactions and nothing between', () => {
  const ofA = { producerId: 5n, isTransactional: true };
  const bytes = Buffer.concat([
    batchOf(0, ofA),
    encodeMarker(1, 5n, 0),
    batchOf(2, ofA),
    encodeMarker(3, 5n, 1),
    batchOf(4, ofA),
    encodeMarker(5, 5n, 0),
  ]);
  const aborted = [
    { producerId: 5n, firstOffset: 4 },
    { producerId: 5n, firstOffset: 0 },
  ];
  expect(offsetsOf(readAll(bytes, 0, 4, aborted))).toEqual([2]);
});

test('one changed bit under the CRC stops at its batch, and names the next one', () => {
  const damaged = batchOf(1);
  damaged[damaged.length - 3] = (damaged[damaged.length - 3] ?? 0) ^ 1;
  const read = readAll(Buffer.concat([batchOf(0), damaged, batchOf(2)]));
  expect(offsetsOf(read)).toEqual([0]);
  expect(read.log.position).toBe(1);
  expect(read.log.fault).toMatchObject({ offset: 1, end: 2 });
  expect(read.log.fault?.detail).toContain('CRC');
});

test('where the damaged batch is the last, its end is not guessed', () => {
  const damaged = batchOf(1);
  damaged[damaged.length - 3] = (damaged[damaged.length - 3] ?? 0) ^ 1;
  expect(readAll(Buffer.concat([batchOf(0), damaged])).log.fault).toMatchObject({
    offset: 1,
    end: null,
  });
});

test('a batch whose offset was changed, which no CRC tells, is not taken', () => {
  const moved = batchOf(1);
  moved.writeBigInt64BE(0n, 0);
  const read = readAll(Buffer.concat([batchOf(0), moved, batchOf(2)]));
  expect(offsetsOf(read)).toEqual([0]);
  expect(read.log.fault?.detail).toContain('before the batch before it ends');
});

test('a batch that says it begins behind the next one is not taken, and passed by whoever is there already', () => {
  const moved = batchOf(1);
  moved.writeBigInt64BE(64n, 0);
  const bytes = Buffer.concat([batchOf(0), moved, batchOf(2), batchOf(3)]);
  const read = readAll(bytes);
  expect(offsetsOf(read)).toEqual([0]);
  expect(read.log.fault).toMatchObject({ offset: 1, end: 2 });
  // A broker that is asked for a later offset answers with the batch that says it holds it.
  for (const from of [2, 3]) {
    const later = readAll(Buffer.concat([moved, batchOf(2), batchOf(3)]), from);
    expect(offsetsOf(later)).toEqual([2, 3].filter((offset) => offset >= from));
    expect(later.log.fault).toBeNull();
  }
});

test('a batch that says it begins behind the end of its log is not taken', () => {
  const moved = batchOf(1);
  moved.writeBigInt64BE(64n, 0);
  const log = new FetchedLog(PARTITION, Buffer.concat([batchOf(0), moved]), 0, [], 2);
  const spans = new RecordSpans(4);
  expect([log.read(spans), spans.count]).toEqual(['unreadable', 1]);
  expect(log.fault).toMatchObject({ offset: 1, end: null });
});

test.each([
  ['an unknown codec', (batch: Buffer) => batch.writeInt16BE(5, 21), 'codec 5'],
  ['an older format', (batch: Buffer) => batch.writeInt8(1, 16), 'format is 1'],
  ['a length of nothing', (batch: Buffer) => batch.writeInt32BE(0, 8), 'length'],
  ['compressed bytes that are none', (batch: Buffer) => batch.writeInt16BE(4, 21), 'unreadable'],
])('%s is named', (_case, damage, said) => {
  const batch = batchOf(0);
  damage(batch);
  expect(readAll(sealed(batch)).log.fault?.detail).toContain(said);
});

test('no bytes crash it, hang it or make it read outside them', () => {
  const damage = fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 })), { minLength: 1, maxLength: 8 });
  fc.assert(
    fc.property(logs, damage, fc.boolean(), (log, changes, isSealed) => {
      const batches = log.encoded.map((batch) => Buffer.from(batch));
      for (const [at, value] of changes) {
        const batch = batches[at % Math.max(1, batches.length)];
        if (batch !== undefined) batch[at % batch.length] = value;
      }
      const all = Buffer.concat(isSealed ? batches.map(sealed) : batches);
      // In a larger piece of memory, so that a read beyond the end would find bytes.
      const room = Buffer.alloc(all.length + 64, 0x7f);
      all.copy(room, 32);
      const read = readAll(room.subarray(32, 32 + all.length));
      const offsets = offsetsOf(read);
      expect(offsets).toEqual([...new Set(offsets)].toSorted((a, b) => a - b));
    }),
    { numRuns: 2_000 },
  );
});

test('no random bytes crash it', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), (array) => {
      readAll(Buffer.from(array));
    }),
    { numRuns: 2_000 },
  );
});

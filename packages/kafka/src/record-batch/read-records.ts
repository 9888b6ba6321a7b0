import type { BatchHeader } from './batch-header.ts';
import { ByteCursor, MalformedBytes } from './byte-cursor.ts';
import type { RecordSpans } from './record-spans.ts';

/** A batch of which not all records were handed out. */
export interface OpenBatch {
  readonly header: BatchHeader;
  readonly cursor: ByteCursor;
  /** Records not read yet. */
  left: number;
  /** The lowest offset its next record can have. */
  next: number;
}

export function cursorOver(bytes: Buffer): ByteCursor {
  return new ByteCursor(bytes, 0, bytes.length);
}

/** Reads a record's length and returns where it ends. */
export function recordEnd(cursor: ByteCursor): number {
  const length = cursor.varint();
  if (length < 0 || length > cursor.limit - cursor.position) {
    throw new MalformedBytes('a record reaches past its batch');
  }
  return cursor.position + length;
}

/** A record's attributes, which mean nothing yet, and its two differences. */
export function passOver(cursor: ByteCursor): void {
  cursor.skip(1);
  cursor.varlong();
  cursor.varint();
}

function passOverHeader(cursor: ByteCursor): void {
  const nameLength = cursor.varint();
  if (nameLength < 0) throw new MalformedBytes('a header has no name');
  cursor.skip(nameLength);
  cursor.skip(Math.max(0, cursor.varint()));
}

/**
 * Appends the records at or above `position` until the batch or the spans end; true when the batch did.
 * Throws `MalformedBytes`.
 */
export function readRecords(
  batch: OpenBatch,
  position: number,
  partition: number,
  into: RecordSpans,
): boolean {
  const { cursor, header } = batch;
  const { baseOffset, lastOffset, baseTimestampMs, appendTimeMs } = header;
  let row = into.count;
  while (batch.left > 0 && row < into.limit) {
    const end = recordEnd(cursor);
    cursor.skip(1);
    const timestampDelta = cursor.varlong();
    const offset = baseOffset + cursor.varint();
    const keyLength = cursor.varint();
    const keyStart = keyLength > 0 ? cursor.skip(keyLength) : cursor.position;
    const valueLength = cursor.varint();
    const valueStart = valueLength > 0 ? cursor.skip(valueLength) : cursor.position;
    const headersStart = cursor.position;
    for (let headers = cursor.varint(); headers > 0; headers -= 1) passOverHeader(cursor);
    if (cursor.position !== end) throw new MalformedBytes('a record is not as long as it says');
    if (offset < batch.next || offset > lastOffset) {
      throw new MalformedBytes('a record is not where its batch says');
    }
    batch.next = offset + 1;
    batch.left -= 1;
    if (offset < position) continue;
    into.partition[row] = partition;
    into.offset[row] = offset;
    into.timestampMs[row] = appendTimeMs ?? baseTimestampMs + timestampDelta;
    into.bytes[row] = cursor.bytes;
    into.keyStart[row] = keyStart;
    into.keyLength[row] = keyLength < 0 ? -1 : keyLength;
    into.valueStart[row] = valueStart;
    into.valueLength[row] = valueLength < 0 ? -1 : valueLength;
    into.headersStart[row] = headersStart;
    into.end[row] = end;
    row += 1;
    into.count = row;
  }
  return batch.left === 0;
}

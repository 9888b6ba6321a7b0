import { crc32c } from '@node-rs/crc32';
import { AbortedTransactions, type AbortedTransaction } from './aborted-transactions.ts';
import { MAGIC, readBatchHeader, type BatchHeader } from './batch-header.ts';
import { ByteCursor, MalformedBytes } from './byte-cursor.ts';
import { decompress, isKnownCodec } from './decompress.ts';
import { cursorOver, passOver, readRecords, recordEnd, type OpenBatch } from './read-records.ts';
import type { RecordSpans } from './record-spans.ts';

/** A batch that cannot be read; nothing of it was handed out. */
export interface UnreadableBatch {
  /** The first offset that cannot be read. */
  readonly offset: number;
  /** Where the next batch begins; null where the bytes do not say so reliably. */
  readonly end: number | null;
  /** It says that it begins before the one before it ends: asked for its real offset no broker finds it. */
  readonly goesBack: boolean;
  /** One sentence for people. */
  readonly detail: string;
}

/** - `full`: the spans are, there may be more · `drained`: all was read · `unreadable`: see `fault` */
export type ReadEnd = 'full' | 'drained' | 'unreadable';

/** Kinds of control records, as their key says. */
const ABORT_MARKER = 0;
/** A control record's key is a version and a kind, of 16 bits each. */
const CONTROL_KEY_BYTES = 4;

/**
 * One partition's piece of log as a fetch returned it: batches one after the other, the last perhaps cut.
 * `read` fills spans with the records that were committed, from `position` on, as often as there is room.
 * The position also steps over what is never delivered: markers, aborted records, what compaction took.
 */
export class FetchedLog {
  readonly #partition: number;
  readonly #bytes: Buffer;
  readonly #aborted: AbortedTransactions;
  readonly #logEnd: number;
  /** In `bytes`: where the next batch starts. */
  #at = 0;
  #batch: OpenBatch | null = null;
  #position: number;
  /** The offset behind the last batch of these bytes. */
  #batchesEnd = 0;
  #leaderEpoch = -1;
  #fault: UnreadableBatch | null = null;

  /**
   * @param position the offset that was asked for: the first batch may begin before it
   * @param logEnd the log's end when these bytes were fetched: no batch can lie behind it
   */
  constructor(
    partition: number,
    bytes: Buffer,
    position: number,
    aborted: readonly AbortedTransaction[] = [],
    logEnd = Infinity,
  ) {
    this.#partition = partition;
    this.#bytes = bytes;
    this.#position = position;
    this.#aborted = new AbortedTransactions(aborted);
    this.#logEnd = logEnd;
  }

  /** The next offset to read: everything before it was handed out or is never delivered. */
  get position(): number {
    return this.#position;
  }

  /** Of the leader that appended the batch before the position, or in which it lies; -1 before the first. */
  get leaderEpoch(): number {
    return this.#leaderEpoch;
  }

  get fault(): UnreadableBatch | null {
    return this.#fault;
  }

  /** Bytes that do not make a whole batch any more: to be fetched again, with a larger limit if it is all. */
  get bytesLeft(): number {
    return this.#bytes.length - this.#at;
  }

  /** Appends records until the spans are full or all is read. Never throws for what the bytes are. */
  read(into: RecordSpans): ReadEnd {
    while (this.#fault === null) {
      if (this.#batch === null && !this.#openNext()) break;
      if (this.#batch !== null && !this.#readOpen(this.#batch, into)) return 'full';
    }
    return this.#fault === null ? 'drained' : 'unreadable';
  }

  /** Takes the next batch in hand, or steps over it; false where there is none or it cannot be read. */
  #openNext(): boolean {
    const header = readBatchHeader(this.#bytes, this.#at);
    if (header === null) return false;
    const problem = this.#problemOf(header);
    if (problem !== null) {
      // A beginning behind the log's end is what is damaged.
      const isBehind = header.baseOffset >= this.#logEnd;
      return this.#stop(header, problem, isBehind ? this.#position : undefined);
    }
    if (header.baseOffset > this.#position) {
      const follower = this.#contradicted(header);
      if (follower !== null) return this.#passMisplaced(header, follower);
    }
    const isAborted = this.#aborted.holds(header);
    if (header.lastOffset < this.#position || isAborted) {
      this.#stepOver(header);
      return true;
    }
    try {
      const body = this.#bytes.subarray(header.recordsStart, header.end);
      // Uncompressed records stay where they are, so that no piece of a fetch is held twice.
      const cursor =
        header.codec === 0
          ? new ByteCursor(this.#bytes, header.recordsStart, header.end)
          : cursorOver(decompress(header.codec, body));
      if (header.isControl) {
        this.#readMarker(header, cursor);
        this.#stepOver(header);
      } else {
        this.#batch = { header, cursor, left: header.recordCount, next: header.baseOffset };
      }
      return true;
    } catch (error) {
      return this.#stop(header, error instanceof Error ? error.message : String(error));
    }
  }

  #problemOf(header: BatchHeader): string | null {
    if (header.end <= header.start) return 'its length is that of no batch';
    if (header.magic !== MAGIC) return `its format is ${header.magic}, only ${MAGIC} is read`;
    if (crc32c(this.#bytes.subarray(header.crcStart, header.end)) !== header.crc) {
      return 'its bytes do not match its CRC';
    }
    if (header.lastOffset < header.baseOffset || header.recordCount < 0) {
      return 'its header contradicts itself';
    }
    // The CRC does not count the offset.
    if (header.baseOffset < 0 || !Number.isSafeInteger(header.lastOffset)) {
      return 'its offset is none';
    }
    if (header.lastOffset >= this.#logEnd) {
      return `it says that it begins at ${header.baseOffset}, behind the end of its log`;
    }
    if (header.baseOffset < this.#batchesEnd) return 'it begins before the batch before it ends';
    return isKnownCodec(header.codec) ? null : `its codec ${header.codec} is unknown`;
  }

  /** The batch behind one that leaves a gap before it, where that one says that it begins behind this. */
  #contradicted(header: BatchHeader): BatchHeader | null {
    const next = readBatchHeader(this.#bytes, header.end);
    if (next === null || next.baseOffset > header.lastOffset) return null;
    return this.#problemOf(next) === null ? next : null;
  }

  /** Its records lie before those of the batch that follows it, at offsets that nobody can tell. */
  #passMisplaced(header: BatchHeader, follower: BatchHeader): boolean {
    if (follower.baseOffset <= this.#position) {
      // They were read, or given up, before.
      this.#at = header.end;
      return true;
    }
    const where = `it says that it begins at ${header.baseOffset}`;
    const problem = `${where}, and the batch behind it at ${follower.baseOffset}`;
    return this.#stop(header, problem, this.#position);
  }

  /** True when the batch was read to its end, false when the spans are full. */
  #readOpen(batch: OpenBatch, into: RecordSpans): boolean {
    const before = into.count;
    try {
      if (!readRecords(batch, this.#position, this.#partition, into)) {
        this.#leaderEpoch = batch.header.leaderEpoch;
        this.#position = Math.max(this.#position, batch.next);
        return false;
      }
      this.#stepOver(batch.header);
    } catch (error) {
      if (!(error instanceof MalformedBytes)) throw error;
      into.count = before;
      this.#stop(batch.header, error.message);
    }
    return true;
  }

  #readMarker({ producerId, recordCount }: BatchHeader, cursor: ByteCursor): void {
    for (let left = recordCount; left > 0; left -= 1) {
      const end = recordEnd(cursor);
      passOver(cursor);
      const keyLength = cursor.varint();
      const key = cursor.skip(Math.max(0, keyLength));
      if (keyLength >= CONTROL_KEY_BYTES && cursor.bytes.readInt16BE(key + 2) === ABORT_MARKER) {
        this.#aborted.end(producerId);
      }
      cursor.position = end;
    }
  }

  #stepOver({ lastOffset, end, leaderEpoch }: BatchHeader): void {
    this.#leaderEpoch = leaderEpoch;
    this.#batchesEnd = lastOffset + 1;
    this.#position = Math.max(this.#position, lastOffset + 1);
    this.#at = end;
    this.#batch = null;
  }

  #stop(
    header: BatchHeader,
    problem: string,
    offset = Math.max(this.#position, header.baseOffset),
  ): false {
    // Its own header may be what is damaged: where it ends is told by the next one, if that is whole.
    const next = header.end > header.start ? readBatchHeader(this.#bytes, header.end) : null;
    const end =
      next !== null && next.baseOffset > offset && this.#problemOf(next) === null
        ? next.baseOffset
        : null;
    this.#fault = {
      offset,
      end,
      goesBack: header.baseOffset < this.#batchesEnd,
      detail: `the batch at offset ${offset} is unreadable: ${problem}`,
    };
    this.#batch = null;
    return false;
  }
}

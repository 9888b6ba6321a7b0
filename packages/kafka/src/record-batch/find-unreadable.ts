import type { AbortedTransaction } from './aborted-transactions.ts';
import { readBatchHeader } from './batch-header.ts';
import { FetchedLog } from './fetched-log.ts';
import { RecordSpans } from './record-spans.ts';

/** Offsets of a log that cannot be read. */
export interface UnreadableRange {
  /** The first of them. */
  readonly offset: number;
  /** Where the log can be read again, or ends; null where these bytes do not say so reliably. */
  readonly end: number | null;
  /** One sentence for people. */
  readonly detail: string;
}

interface Around {
  readonly aborted: readonly AbortedTransaction[];
  /** The offset behind the log's last batch. */
  readonly logEnd: number;
}

const SPANS = 1_000;

/** Whether the log can be read at `position`: null where something can be. `bytes` are those fetched there. */
export function findUnreadable(
  partition: number,
  bytes: Buffer,
  position: number,
  { aborted, logEnd }: Around,
): UnreadableRange | null {
  const log = new FetchedLog(partition, bytes, position, aborted, logEnd);
  const spans = new RecordSpans(SPANS);
  log.read(spans);
  const { fault } = log;
  if (fault === null || spans.count > 0) return null;
  const { offset, detail } = fault;
  return { offset, detail, end: fault.end ?? endOf(partition, bytes, offset, logEnd) };
}

/** Steps from batch to batch by their lengths, which no CRC covers but which must lead to one that is whole. */
function endOf(partition: number, bytes: Buffer, offset: number, logEnd: number): number | null {
  let claimedEnd: number | null = null;
  for (let at = 0; ;) {
    const header = readBatchHeader(bytes, at);
    if (header === null || header.end <= header.start) {
      // The last of the log: where it says that it ends there the log does end.
      return at === bytes.length && claimedEnd === logEnd ? logEnd : null;
    }
    const { baseOffset, lastOffset, start, end } = header;
    if (
      baseOffset > offset &&
      lastOffset < logEnd &&
      isWhole(partition, bytes.subarray(start, end), baseOffset)
    ) {
      return baseOffset;
    }
    claimedEnd = lastOffset + 1;
    at = end;
  }
}

function isWhole(partition: number, batch: Buffer, baseOffset: number): boolean {
  return new FetchedLog(partition, batch, baseOffset).read(new RecordSpans(SPANS)) !== 'unreadable';
}

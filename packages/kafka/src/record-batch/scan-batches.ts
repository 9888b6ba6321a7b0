import { MAGIC, readBatchHeader } from './batch-header.ts';

/** What the whole batches of a fetched piece of log say of it, none of them checked. */
export interface LogExtent {
  /** The offset behind the last whole batch; null where there is none. */
  readonly end: number | null;
  /** The leader's epoch under which that batch was appended; -1 = unknown. */
  readonly lastEpoch: number;
  /** Not even the first batch is whole. */
  readonly isCut: boolean;
}

/** Passes over the headers alone, so that what follows can be asked for before this is read. */
export function scanBatches(bytes: Buffer): LogExtent {
  let end: number | null = null;
  let lastEpoch = -1;
  for (let at = 0; ;) {
    const header = readBatchHeader(bytes, at);
    if (header === null || header.end <= header.start || header.magic !== MAGIC) break;
    end = header.lastOffset + 1;
    lastEpoch = header.leaderEpoch;
    at = header.end;
  }
  return { end, lastEpoch, isCut: bytes.length > 0 && readBatchHeader(bytes, 0) === null };
}

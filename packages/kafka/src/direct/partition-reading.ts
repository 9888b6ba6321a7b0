import type { Hindrance } from '../record-source.ts';
import { readBatchHeader } from '../record-batch/batch-header.ts';
import { FetchedLog } from '../record-batch/fetched-log.ts';
import type { RecordSpans } from '../record-batch/record-spans.ts';
import { scanBatches } from '../record-batch/scan-batches.ts';
import { noBatch, readableEnd, type PartitionAnswer } from './fetch-protocol.ts';

/** Why a partition can be read no further until it is started anew. Offsets are the partition's. */
export type ReadFault =
  /** The position lies outside the log. */
  | { readonly kind: 'out_of_range'; readonly position: number }
  /** What was read up to the position is not what the log holds now: it goes its own way from `at` on. */
  | {
      readonly kind: 'diverged';
      readonly position: number;
      /** Of the leader that appended what was read last. */
      readonly lastEpoch: number;
      readonly at: number;
    }
  /** The topic was deleted, or made again under its name. */
  | { readonly kind: 'topic_gone'; readonly position: number }
  /** A batch cannot be read, however often it is fetched. `end` is where the next one begins, if known. */
  | {
      readonly kind: 'unreadable';
      readonly position: number;
      readonly end: number | null;
      readonly detail: string;
    };

const UNKNOWN_EPOCH = -1;
/** One piece of log is read while the next is on its way. */
const QUEUED_LOGS_MAX = 2;
/** A batch that arrives broken is fetched again: the wire or a memory may have done it. */
const FETCHES_OF_BROKEN_BATCH = 3;
/** ... and so long nothing must have come: a broker that reads from remote storage answers emptily while that is slow. */
const EMPTY_FOR_MS = 10_000;
const RETRY_FIRST_MS = 50;
const RETRY_LAST_MS = 5_000;

/** A follower that lags, or is gone from where it stood, is noticed by the leader alone. */
const REPLICA_FOR_MS = 60_000;

/** What is known of a partition when reading it begins. */
interface Known {
  /** As a UUID. */
  readonly topicId?: string | null;
  readonly lastEpoch?: number | undefined;
}

interface QueuedLog {
  readonly log: FetchedLog;
  /** The offset that was asked for. */
  readonly from: number;
  readonly bytes: number;
}

/** One partition being read: where it stands, what was fetched and not read yet, why it waits. */
export class PartitionReading {
  readonly partition: number;
  /** Whether it is part of a request that is under way. */
  isAsked = false;
  /** It got less than a batch the last time though its log has more: to be named first in the next request. */
  isStarved = false;
  /** The topic it is read of, as a UUID; null until one is found. */
  topicId: string | null;
  /** Why nothing comes of it for now. */
  hindrance: Hindrance | null = null;
  fault: ReadFault | null = null;
  /** The log's end as the last answer told it; null before. */
  end: number | null = null;
  readonly #queue: QueuedLog[] = [];
  #position: number;
  #fetchOffset: number;
  #lastEpoch: number;
  /** Of the batch before the position. */
  #readEpoch: number;
  #replica: number | null = null;
  #replicaUntilMs = 0;
  #retryAtMs = 0;
  #failures = 0;
  #brokenFetches = 0;
  /** Where a batch stood last that says it begins before that, and what was said of it. */
  #wentBack: { readonly at: number; readonly detail: string } | null = null;
  /** Fetches in which it was named first and got nothing whole all the same. */
  #emptyFetches = 0;
  #emptySinceMs = 0;
  #isAskedFirst = false;
  /** What is under way was asked for at an offset that is not the next one any more. */
  #isAnswerStale = false;

  /** `lastEpoch` is that of the batch before the position. */
  constructor(partition: number, position: number, { topicId, lastEpoch }: Known = {}) {
    this.partition = partition;
    this.topicId = topicId ?? null;
    this.#position = position;
    this.#fetchOffset = position;
    this.#lastEpoch = lastEpoch ?? UNKNOWN_EPOCH;
    this.#readEpoch = this.#lastEpoch;
  }

  /** The next offset to be handed out. */
  get position(): number {
    return this.#position;
  }

  get fetchOffset(): number {
    return this.#fetchOffset;
  }

  get lastEpoch(): number {
    return this.#lastEpoch;
  }

  /** The leader's epoch of the batch before the position; -1 = unknown. */
  get readEpoch(): number {
    return this.#readEpoch;
  }

  /** The broker knows nothing of the epoch before the offset: it is not asked about it again. */
  forgetEpoch(): void {
    this.#lastEpoch = UNKNOWN_EPOCH;
  }

  get queuedBytes(): number {
    return this.#queue.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  get hasRecords(): boolean {
    return this.fault === null && this.#queue.length > 0;
  }

  /** May be asked for now. `nowMs` is monotonic. */
  isDue(nowMs: number): boolean {
    return (
      !this.isAsked &&
      this.fault === null &&
      this.#queue.length < QUEUED_LOGS_MAX &&
      this.#retryAtMs <= nowMs
    );
  }

  /** It is part of a request from now on, which gives a whole batch for certain to whom it names first. */
  noteAsked(isFirst: boolean): void {
    this.isAsked = true;
    this.#isAskedFirst = isFirst;
    this.#isAnswerStale = false;
  }

  /** A follower to read from instead of the leader; null: from the leader. */
  get replica(): number | null {
    return this.#replica;
  }

  /** The leader named a follower that stands nearer. After a while it is asked again which one that is. */
  readFrom(replica: number, nowMs: number): void {
    this.#replica = replica;
    this.#replicaUntilMs = nowMs + REPLICA_FOR_MS;
  }

  /** The follower answered; when its time is over the leader is asked again. */
  reconsiderReplica(nowMs: number): void {
    if (nowMs >= this.#replicaUntilMs) this.#replica = null;
  }

  /** Nothing came of it: the pause before the next try, which is the leader's, grows. */
  putOff(hindrance: Hindrance | null, nowMs: number): void {
    this.hindrance = hindrance;
    this.#replica = null;
    this.#failures += 1;
    const pauseMs = Math.min(RETRY_LAST_MS, RETRY_FIRST_MS * 2 ** (this.#failures - 1));
    this.#retryAtMs = nowMs + pauseMs;
  }

  /**
   * The log goes its own way from `at` on. What was fetched and not handed out is dropped; it is a fault only
   * where that begins below the position.
   */
  diverge(at: number): void {
    if (at < this.#position) {
      const [position, lastEpoch] = [this.#position, this.#readEpoch];
      this.fault = { kind: 'diverged', position, lastEpoch, at };
    } else {
      this.#startOver();
    }
  }

  /** The offset asked for lies outside the log: a fault where it is that of the position. */
  outOfRange(): void {
    if (this.#isAnswerStale) return;
    if (this.#fetchOffset === this.#position) {
      this.fault = { kind: 'out_of_range', position: this.#position };
    } else {
      this.#startOver();
    }
  }

  /** What lies at the offset asked for cannot be read: a fault once all that was fetched before is handed out. */
  refuse(fault: ReadFault, nowMs: number): void {
    if (this.#isAnswerStale) return;
    if (this.#fetchOffset === this.#position) this.fault = fault;
    else this.putOff(null, nowMs);
  }

  /** Takes what an answer without an error brought. */
  take(answer: PartitionAnswer, nowMs: number): void {
    const { partition, records, aborted, end } = answer;
    // Its records lie behind some that were dropped: they would pass for the next ones.
    if (this.#isAnswerStale) return;
    this.hindrance = null;
    this.#failures = 0;
    this.end = end;
    const extent = scanBatches(records);
    const from = this.#fetchOffset;
    this.isStarved = extent.isCut || (records.length === 0 && hasMore(answer, from));
    if (this.isStarved) return this.#noteEmpty(answer, nowMs);
    this.#emptyFetches = 0;
    if (records.length === 0) return;
    if (this.#isGoneAt(from, records)) return;
    const log = new FetchedLog(partition, records, from, aborted, end);
    this.#queue.push({ log, from, bytes: records.length });
    if (extent.end !== null) {
      this.#fetchOffset = Math.max(from, extent.end);
      this.#lastEpoch = extent.lastEpoch;
    }
  }

  /** Appends records until the spans are full or what was fetched is read. */
  read(into: RecordSpans): void {
    for (let queued = this.#queue[0]; queued !== undefined && !into.isFull;) {
      const { log, from } = queued;
      // An offset that lied in a header led elsewhere: ask again from where we stand.
      if (from > this.#position) return this.#startOver();
      const ended = log.read(into);
      this.#position = Math.max(this.#position, log.position);
      if (log.leaderEpoch >= 0) this.#readEpoch = log.leaderEpoch;
      if (ended === 'full') return;
      this.#queue.shift();
      if (ended === 'unreadable') return this.#noteBroken(log);
      this.#brokenFetches = 0;
      queued = this.#queue[0];
      if (queued === undefined && this.#fetchOffset !== this.#position) this.#startOver();
    }
  }

  /** A batch whose length reaches past the log, say, is found by no broker: nothing would come, for ever. */
  #noteEmpty(answer: PartitionAnswer, nowMs: number): void {
    if (!this.#isAskedFirst || this.#fetchOffset !== this.#position) return;
    if (this.#emptyFetches === 0) this.#emptySinceMs = nowMs;
    this.#emptyFetches += 1;
    if (this.#emptyFetches < FETCHES_OF_BROKEN_BATCH || nowMs - this.#emptySinceMs < EMPTY_FOR_MS)
      return;
    const detail = noBatch(readableEnd(answer));
    this.fault = { kind: 'unreadable', position: this.#position, end: null, detail };
  }

  /** Where a batch was that says it begins elsewhere a broker finds the next one: not a gap, but its records. */
  #isGoneAt(from: number, records: Buffer): boolean {
    if (this.#wentBack === null || from !== this.#position || from !== this.#wentBack.at)
      return false;
    const end = readBatchHeader(records, 0)?.baseOffset ?? from;
    if (end <= from) return false;
    this.fault = { kind: 'unreadable', position: from, end, detail: this.#wentBack.detail };
    return true;
  }

  #noteBroken({ fault }: FetchedLog): void {
    this.#brokenFetches += 1;
    this.#startOver();
    if (fault?.goesBack) this.#wentBack = { at: this.#position, detail: fault.detail };
    if (this.#brokenFetches < FETCHES_OF_BROKEN_BATCH || fault === null) return;
    this.fault = {
      kind: 'unreadable',
      position: this.#position,
      end: fault.end,
      detail: fault.detail,
    };
  }

  #startOver(): void {
    this.#queue.length = 0;
    this.#isAnswerStale = true;
    this.#fetchOffset = this.#position;
    // That of a batch further on would be compared with the wrong place.
    this.#lastEpoch = UNKNOWN_EPOCH;
  }
}

/** A leader that names a follower sends nothing itself. */
function hasMore(answer: PartitionAnswer, from: number): boolean {
  return answer.preferredReplica === null && from < readableEnd(answer);
}

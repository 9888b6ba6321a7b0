import {
  BatchUnreadable,
  LogDiverged,
  OffsetOutOfRange,
  TopicGone,
  type KafkaAdmin,
  type TopicReader,
} from '@adtally/kafka';
import type { Logger } from '@adtally/telemetry';
import type { ReplayBatch } from './replay-batch.ts';

/** Why a replay cannot go on; what it has committed stands, and it may be resumed. */
export class ReplayStopped extends Error {
  override readonly name = 'ReplayStopped';
}

const FETCH_WAIT_MS = 100;
const FETCH_RECORDS = 1_000;
/** A batch waits so long for its next records, then it is committed as it is. */
const LINGER_MS = 200;

/** Reads one partition of a topic after the other, from an offset to the end of the batch's lane. */
export class RangeReader {
  readonly #reader: TopicReader;
  readonly #admin: KafkaAdmin;
  readonly #topic: string;
  readonly #topicId: string;
  readonly #log: Logger;
  #partition: number | null = null;
  #mustRelocate = false;

  constructor(
    reader: TopicReader,
    admin: KafkaAdmin,
    of: { readonly topic: string; readonly topicId: string },
    log: Logger,
  ) {
    this.#reader = reader;
    this.#admin = admin;
    this.#topic = of.topic;
    this.#topicId = of.topicId;
    this.#log = log;
  }

  /** @throws ReplayStopped where the topic's name stands for another topic now */
  async checkTopic(): Promise<void> {
    const described = await this.#admin.describeTopic(this.#topic);
    if (described?.topicId === this.#topicId) return;
    throw new ReplayStopped(
      described === null
        ? `topic ${this.#topic} does not exist any more`
        : `topic ${this.#topic} was made again: its id was ${this.#topicId}, is ${described.topicId}`,
    );
  }

  /**
   * After the last record of a batch was read and before it is written: the native client reads a topic that was
   * made again on at the old offsets. @throws ReplayStopped
   */
  async confirmTopic(): Promise<void> {
    if (!this.#reader.isTopicSure) await this.checkTopic();
  }

  /**
   * Fills the batch with up to `maxRecords` of its lane, until the range ends, no more come for a while or
   * the signal fires. Throws `ReplayStopped`, and what the Kafka client cannot mend.
   */
  async fill(batch: ReplayBatch, maxRecords: number, signal: AbortSignal): Promise<void> {
    if (this.#mustRelocate) await this.#relocate(batch);
    if (this.#partition !== batch.lane.partition) this.#startAt(batch);
    let lastMs = performance.now();
    while (!batch.isLast && batch.count < maxRecords && !signal.aborted) {
      const records = await this.#fetch(Math.min(maxRecords - batch.count, FETCH_RECORDS));
      if (records === null) return;
      for (const record of records) batch.add(record);
      // Markers and aborted records behind the last one: no record may ever come to take them along.
      const position = this.#reader.position(batch.lane.partition);
      if (position !== undefined && position > batch.readOffset) batch.passGap(position);
      if (records.length > 0) lastMs = performance.now();
      else if (performance.now() - lastMs >= LINGER_MS) return;
    }
  }

  /** Ends reading; what comes next starts where the database says. */
  stop(): void {
    if (this.#partition !== null) this.#reader.stop(this.#partition);
    this.#partition = null;
    this.#mustRelocate = false;
  }

  #startAt(batch: ReplayBatch): void {
    this.stop();
    this.#reader.start(batch.lane.partition, batch.readOffset, { topicId: this.#topicId });
    this.#partition = batch.lane.partition;
  }

  /** Null where the next offset is not in the log, or the topic is another: to be looked into once the batch is committed. */
  async #fetch(maxRecords: number) {
    try {
      return await this.#reader.fetch(maxRecords, FETCH_WAIT_MS);
    } catch (error) {
      if (error instanceof BatchUnreadable || error instanceof LogDiverged) {
        throw new ReplayStopped(error.message, { cause: error });
      }
      if (!(error instanceof OffsetOutOfRange || error instanceof TopicGone)) throw error;
      this.#mustRelocate = true;
      return null;
    }
  }

  /** Retention was faster than the replay: what is gone is counted. */
  async #relocate(batch: ReplayBatch): Promise<void> {
    this.stop();
    await this.checkTopic();
    const { logStart, end } = await this.#admin.watermarks(this.#topic, batch.lane.partition);
    if (end < batch.readOffset) {
      throw new ReplayStopped(
        `the log of partition ${batch.lane.partition} ends at ${end}, before offset ${batch.readOffset}`,
      );
    }
    const { partition } = batch.lane;
    const from = batch.readOffset;
    batch.passMissing(logStart);
    const to = batch.readOffset;
    if (to > from) this.#log.warn({ partition, from, to, logStart }, 'the log has lost offsets');
    this.#mustRelocate = false;
  }
}

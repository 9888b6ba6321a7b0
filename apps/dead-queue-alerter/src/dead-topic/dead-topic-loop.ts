import {
  advanceDeadTopic,
  insertArrivals,
  serverNowMs,
  type DeadTopicAdvance,
} from '@adtally/alerting';
import { type Database, type DatabaseExecutor } from '@adtally/db';
import type { SourceRecord } from '@adtally/event-schema';
import {
  KafkaError,
  kafkaFailure,
  KafkaFatalError,
  ReadFault,
  TopicIdentity,
  TopicReader,
  type KafkaAdmin,
  type KafkaSettings,
  type Notice,
} from '@adtally/kafka';
import { Abandoned, backoffMs, pause, unlessStopped as raced } from '@adtally/pacing';
import type { ServerStanding, WorkBook } from '@adtally/service';
import type { Logger } from '@adtally/telemetry';
import { applyArrivals, type EvaluationResult } from '../incidents/apply-arrivals.ts';
import type { AlertSettings } from '../incidents/settings.ts';
import { announce } from '../incidents/announce.ts';
import type { AlerterMetrics } from '../metrics.ts';
import type { Bell } from '../bell.ts';
import { evaluationBounds, isReadTo, type PartitionProgress } from './partition-progress.ts';
import { placePartitions } from './place-partitions.ts';
import { takeBatch } from './take-batch.ts';

export interface DeadTopicParts {
  readonly session: Database;
  readonly kafka: KafkaSettings;
  readonly admin: KafkaAdmin;
  /** How the process stands with its brokers. */
  readonly brokers: ServerStanding;
  readonly settings: AlertSettings;
  readonly topicCheckMs: number;
  readonly owner: string;
  readonly bell: Bell;
  readonly book: WorkBook;
  readonly metrics: AlerterMetrics;
  readonly log: Logger;
  /** Called once a turn. */
  readonly beat: () => void;
}

/** A transaction that stays well below the time after which the lease is stale. */
const FETCH_RECORDS = 1_000;
const FETCH_WAIT_MS = 200;
const LOOK_EVERY_MS = 1_000;
/** One attempt; then it is said why, and attempted again. */
const CONNECT_TIMEOUT_MS = 5_000;
const RETRY_FIRST_MS = 200;
const RETRY_LAST_MS = 5_000;

/**
 * Reads the dead topic and turns its records into incidents: each batch in one transaction, the position
 * among what it writes. Kafka being away is waited for; an error of the database ends the loop, and with it
 * the term of this instance.
 */
export class DeadTopicLoop {
  readonly #parts: DeadTopicParts;
  readonly #identity: TopicIdentity;
  readonly #partitions = new Map<number, PartitionProgress>();
  #topicId: string | null = null;
  #failures = 0;
  #checkedMs = -Infinity;
  #lookedMs = -Infinity;
  /** An episode waits for its end, as far as known. */
  #isOpen = true;

  constructor(parts: DeadTopicParts) {
    this.#parts = parts;
    this.#identity = new TopicIdentity(parts, parts.settings.topic);
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const reader = await this.#connect(signal);
      if (reader === null) continue;
      try {
        await this.#read(reader, signal);
      } finally {
        const closed = reader.close();
        // Brokers may be silent, and whoever is stopping needs nothing more of them.
        if (!signal.aborted) await closed;
      }
    }
  }

  async #connect(signal: AbortSignal): Promise<TopicReader | null> {
    const { kafka, admin, settings, log, beat } = this.#parts;
    beat();
    this.#forget();
    try {
      const connecting = TopicReader.connect(kafka, {
        topic: settings.topic,
        askLog: (partition) => admin.watermarks(settings.topic, partition),
        // A few records an hour: nothing to gain, and one connection less.
        reader: 'librdkafka',
        connectTimeoutMs: CONNECT_TIMEOUT_MS,
        onNotice: (notice: Notice) => log.warn({ notice }, 'kafka client'),
      });
      // One that comes when it is not needed any more is let go of.
      void connecting
        .then((late) => (signal.aborted ? late.close() : undefined))
        .catch(() => undefined);
      return await this.#unlessStopped(connecting, signal);
    } catch (error) {
      if (error instanceof Abandoned) return null;
      await this.#wait(error, signal);
      return null;
    }
  }

  /** Returns when the reader cannot be used any more, or the signal fires. */
  async #read(reader: TopicReader, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      this.#parts.beat();
      try {
        await this.#checkTopic(reader, signal);
        const records = await this.#fetch(reader);
        if (records.length > 0 && (await this.#areOfThisTopic()))
          await this.#store(reader, records);
        await this.#look(reader, signal);
        this.#failures = 0;
        if (this.#topicId !== null) this.#parts.brokers.worked();
      } catch (error) {
        if (error instanceof Abandoned) return;
        if (!(error instanceof KafkaError)) throw error;
        await this.#wait(error, signal);
        if (error instanceof KafkaFatalError) return;
      }
    }
  }

  /** Brokers that are away are no reason to hold up a drain: what was asked of them is not needed any more. */
  #unlessStopped<T>(asked: Promise<T>, signal: AbortSignal): Promise<T> {
    return raced(asked, signal, 'asking the brokers of the dead topic');
  }

  async #wait(error: unknown, signal: AbortSignal): Promise<void> {
    const failure = kafkaFailure(error);
    if (failure === null) throw error;
    this.#failures += 1;
    this.#parts.brokers.failed(failure);
    await pause(backoffMs(this.#failures, RETRY_FIRST_MS, RETRY_LAST_MS), signal);
  }

  /** Is it still the topic we read, and are all its partitions read? */
  async #checkTopic(reader: TopicReader, signal: AbortSignal): Promise<void> {
    const { admin, brokers, settings, topicCheckMs } = this.#parts;
    if (performance.now() - this.#checkedMs < topicCheckMs) return;
    const described = await this.#unlessStopped(admin.describeTopic(settings.topic), signal);
    if (described?.topicId !== this.#topicId) {
      for (const partition of this.#partitions.keys()) reader.stop(partition);
      this.#forget();
    }
    this.#checkedMs = performance.now();
    if (described === null) {
      const detail = `topic ${settings.topic} does not exist`;
      brokers.failed({ kind: 'away', code: 'topic_missing', detail });
      return;
    }
    this.#topicId = described.topicId;
    const unlessStopped = <T>(asked: Promise<T>) => this.#unlessStopped(asked, signal);
    const placed = await placePartitions(
      { ...this.#parts, reader, topic: settings.topic, unlessStopped },
      described,
      (partition) => this.#partitions.has(partition),
    );
    for (const progress of placed) this.#partitions.set(progress.partition, progress);
    this.#noteCommitted();
  }

  async #fetch(reader: TopicReader): Promise<SourceRecord[]> {
    try {
      return await reader.fetch(FETCH_RECORDS, FETCH_WAIT_MS);
    } catch (error) {
      if (!(error instanceof ReadFault)) throw error;
      this.#parts.log.warn({ err: error }, 'position in the dead topic is looked up again');
      const { partition: one } = error;
      for (const partition of one === undefined ? [...this.#partitions.keys()] : [one]) {
        reader.stop(partition);
        this.#partitions.delete(partition);
      }
      // The check finds out what it means, the topic's id first.
      this.#checkedMs = -Infinity;
      return [];
    }
  }

  /**
   * After the last record was read and before anything is stored. What was read of a topic made again at the old
   * offsets is dropped; the next check reads it from its start. Without an answer the batch is stored: a page
   * must not wait for it.
   */
  async #areOfThisTopic(): Promise<boolean> {
    const topicId = this.#topicId;
    let isAnother = false;
    await this.#identity.confirm((described) => {
      isAnother = described !== null && described.topicId !== topicId;
      if (isAnother) this.#checkedMs = -Infinity;
    });
    return !isAnother;
  }

  async #store(reader: TopicReader, records: readonly SourceRecord[]): Promise<void> {
    const { session, settings, metrics } = this.#parts;
    const topicId = this.#topicId;
    if (topicId === null) return;
    const { letters, advances } = takeBatch(topicId, records, this.#partitions);
    if (advances.length === 0) return;
    const { book } = this.#parts;
    const what = `records of ${settings.topic}`;
    book.begin(what, records.length);
    this.#noteProgress(reader, advances);
    const stored = await session.transaction().execute(async (trx) => {
      await advanceDeadTopic(trx, topicId, advances);
      const inserted = await insertArrivals(trx, settings.topic, letters);
      return { inserted, evaluated: await this.#evaluate(trx, -Infinity) };
    });
    book.end(what);
    this.#noteCommitted();
    metrics.deadArrivals.add(stored.inserted, { kind: 'letter' });
    metrics.deadArrivals.add(records.length - stored.inserted, { kind: 'copy' });
    this.#finish(stored.evaluated);
  }

  /** Should the transaction fail, the term ends and nothing here matters any more. */
  #noteProgress(reader: TopicReader, advances: readonly DeadTopicAdvance[]): void {
    for (const { partition, next, lastAppendMs } of advances) {
      const progress = this.#partitions.get(partition);
      if (progress === undefined) continue;
      progress.position = next;
      progress.lastAppendMs = lastAppendMs;
      progress.deliveredAtMs = performance.now();
    }
    for (const progress of this.#partitions.values()) {
      progress.knownEnd = Math.max(progress.knownEnd, reader.cachedEnd(progress.partition) ?? 0);
    }
  }

  #noteCommitted(): void {
    const { book, settings } = this.#parts;
    const { topic } = settings;
    const offsetOf = ({ partition, position: nextOffset }: PartitionProgress) => {
      return { topic, partition, nextOffset };
    };
    book.committed([...this.#partitions.values()].map(offsetOf));
  }

  /** Once a second: have letters waited long enough, is an episode over? */
  async #look(reader: TopicReader, signal: AbortSignal): Promise<void> {
    const { session } = this.#parts;
    if (performance.now() - this.#lookedMs < LOOK_EVERY_MS) return;
    this.#lookedMs = performance.now();
    if (!this.#isOpen && this.#partitions.size <= 1) return;
    const completeMs = await this.#completeMs(reader, signal);
    const evaluated = await session.transaction().execute((trx) => this.#evaluate(trx, completeMs));
    this.#finish(evaluated);
  }

  /**
   * The server's time at which everything appended before is stored; -Infinity while something is still to
   * be read. The clock is asked first and the logs' ends afterwards.
   */
  async #completeMs(reader: TopicReader, signal: AbortSignal): Promise<number> {
    if (this.#partitions.size === 0) return -Infinity;
    const nowMs = await serverNowMs(this.#parts.session);
    for (const progress of this.#partitions.values()) {
      const { end } = await this.#unlessStopped(reader.watermarks(progress.partition), signal);
      progress.knownEnd = end;
      if (!isReadTo(progress, end)) return -Infinity;
    }
    return nowMs;
  }

  async #evaluate(trx: DatabaseExecutor, completeMs: number): Promise<EvaluationResult> {
    const bounds = evaluationBounds([...this.#partitions.values()], completeMs);
    return await applyArrivals(trx, this.#parts.settings, bounds);
  }

  #finish({ told, isOpen }: EvaluationResult): void {
    this.#isOpen = isOpen;
    announce(told, this.#parts.log);
    if (told.length > 0) this.#parts.bell.ring();
  }

  #forget(): void {
    this.#partitions.clear();
    this.#topicId = null;
    this.#checkedMs = -Infinity;
    this.#isOpen = true;
  }
}

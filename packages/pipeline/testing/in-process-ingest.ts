import { acceptLoss, claimSource, haltSource, registerTopic, type Database } from '@adtally/db';
import { createDeduplicator } from '@adtally/dedup';
import { EventBatch, uuidText, type SourceRecord } from '@adtally/event-schema';
import type { AckedProducer } from '@adtally/kafka';
import { createLogger, createMetrics } from '@adtally/telemetry';
import { BatchCommitter } from '../src/batch-committer.ts';
import { BatchWork } from '../src/batch-work.ts';
import { classify } from '../src/classify.ts';
import { DeadLetterSender } from '../src/dead-letters.ts';
import { COMMIT_METRICS } from '../src/metrics.ts';
import { Ownership, type OwnedPartition } from '../src/ownership.ts';
import { WriterLink } from '../src/writer-link.ts';

export type Message = Pick<SourceRecord, 'key' | 'value' | 'headers' | 'timestamp'>;

const LOGGER = createLogger({ service: 'test', level: 'silent' });
const NO_REDIS = createDeduplicator({
  url: '',
  ttlSeconds: 60,
  keyPrefix: 'test',
  onEvent: () => undefined,
});

export interface InProcessIngestOptions {
  readonly databaseUrl: string;
  readonly topic: string;
  /** The topic's name unless it is a real one. */
  readonly topicId?: string;
  readonly partitions?: number;
  readonly dlqTopic: string;
  readonly producer: AckedProducer;
}

/** What the consumer does with records, without a consumer: a topic whose offsets this class numbers. */
export class InProcessIngest {
  readonly topic: string;
  /** Of partition 0. */
  readonly sourceId: number;
  readonly #ownership = new Ownership();
  readonly #link: WriterLink;
  readonly #committer: BatchCommitter;
  readonly #partitions: number;

  private constructor(options: InProcessIngestOptions, sourceId: number) {
    this.#partitions = options.partitions ?? 1;
    this.topic = options.topic;
    this.sourceId = sourceId;
    this.#link = new WriterLink(
      {
        databaseUrl: options.databaseUrl,
        applicationName: 'adtally-test-ingest',
        lockTimeoutMs: 5_000,
        statementTimeoutMs: 20_000,
        connectTimeoutMs: 5_000,
      },
      { held: () => this.#ownership.allOwned() },
      LOGGER,
    );
    const self = { app: 'ingest-consumer', version: 'test' };
    this.#committer = new BatchCommitter(
      {
        link: this.#link,
        dedup: NO_REDIS,
        companion: new DeadLetterSender(options.producer, options.dlqTopic, self, LOGGER),
        metrics: createMetrics({ service: 'test', version: '0', definitions: COMMIT_METRICS }),
        log: LOGGER,
      },
      { transientAttempts: 5, transientBudgetMs: 60_000 },
    );
  }

  static async open(db: Database, options: InProcessIngestOptions): Promise<InProcessIngest> {
    const { topic, topicId = topic, partitions = 1 } = options;
    const sources = await registerTopic(db, {
      kind: 'events',
      topic,
      topicId,
      partitions,
      genesis: () => 0n,
    });
    const ingest = new InProcessIngest(options, sources[0]?.sourceId ?? -1);
    const session = await ingest.#link.session(new AbortController().signal);
    for (const { partition, sourceId } of sources) {
      const { epoch, nextOffset } = await claimSource(session, sourceId, 'test');
      const at = { committedOffset: nextOffset, readOffset: nextOffset };
      ingest.#ownership.grant(partition, performance.now());
      ingest.#ownership.own({ partition, topicId, sourceId, epoch, ...at });
    }
    return ingest;
  }

  /** Of partition 0. */
  get end(): number {
    return this.#owned(0).readOffset;
  }

  /** Commits these messages as one batch at the next offsets of a partition. */
  async take(messages: readonly Message[], partition = 0): Promise<void> {
    const owned = this.#owned(partition);
    const work = new BatchWork(messages.length);
    const first = owned.readOffset;
    for (const message of messages) {
      const record = { ...message, topic: this.topic, partition, offset: owned.readOffset };
      work.batch.append(record, owned.sourceId);
      owned.readOffset += 1;
    }
    const span = { claim: owned, first, end: owned.readOffset, gap: 0, firstAppendMs: 0 };
    work.spans.set(owned.sourceId, span);
    classify(work.batch, 0, { horizonMs: 0, partitions: this.#partitions });
    await this.#committer.commit(work, new AbortController().signal);
  }

  /** Halts a partition before its next offset and accepts the loss of `records` there. */
  async lose(db: Database, records: number, partition = 0): Promise<void> {
    const owned = this.#owned(partition);
    const session = await this.#link.session(new AbortController().signal);
    const resumeAt = owned.readOffset + records;
    await haltSource(session, owned, { code: 'hole', detail: 'test', resumeAt });
    const { sourceId } = owned;
    await acceptLoss(db, { sourceId, actor: 'test', reason: 'a test' });
    const { epoch, nextOffset } = await claimSource(session, sourceId, 'test');
    const at = { committedOffset: nextOffset, readOffset: nextOffset };
    this.#ownership.grant(partition, performance.now());
    this.#ownership.own({ ...owned, ...at, epoch });
  }

  #owned(partition: number): OwnedPartition {
    const owned = this.#ownership.owned(partition);
    if (owned === undefined) throw new Error('not claimed');
    return owned;
  }

  async close(): Promise<void> {
    await this.#link.close();
  }
}

/** The two ids an event of this message is stored under, in text form. */
export function identityOf(message: Message): { impressionId: string; eventKey: string } {
  const batch = new EventBatch(1);
  batch.append({ ...message, topic: 'none', partition: 0, offset: 0 }, 1);
  classify(batch, 0, { horizonMs: 0, partitions: 1 });
  return {
    impressionId: uuidText(batch.column('impression_id').bytes, 0),
    eventKey: uuidText(batch.eventKey, 0),
  };
}

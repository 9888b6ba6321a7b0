import { claimSource, registerTopic, type Database } from '@adtally/db';
import { createDeduplicator } from '@adtally/dedup';
import { EventBatch, uuidText, type SourceRecord } from '@adtally/event-schema';
import type { AckedProducer } from '@adtally/kafka';
import { createLogger, createMetrics } from '@adtally/telemetry';
import { BatchCommitter } from '../batch-committer.ts';
import { BatchWork } from '../batch-work.ts';
import { classify } from '../classify.ts';
import { DeadLetterSender } from '../dead-letters.ts';
import { Ownership } from '../ownership.ts';
import { WriterLink } from '../writer-link.ts';

export type Message = Pick<SourceRecord, 'key' | 'value' | 'headers' | 'timestamp'>;

const LOGGER = createLogger({ service: 'test', level: 'silent' });
const NO_REDIS = createDeduplicator({
  url: '',
  ttlSeconds: 60,
  keyPrefix: 'test',
  onEvent: () => undefined,
});

/** What the consumer does with records, without a consumer: a topic whose offsets this class numbers. */
export class InProcessIngest {
  readonly topic: string;
  readonly sourceId: number;
  readonly #ownership = new Ownership();
  readonly #link: WriterLink;
  readonly #committer: BatchCommitter;
  #end = 0;

  private constructor(
    options: { databaseUrl: string; topic: string; dlqTopic: string; producer: AckedProducer },
    sourceId: number,
  ) {
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
      () => this.#ownership.allOwned(),
      LOGGER,
    );
    const self = { app: 'ingest-consumer', version: 'test' };
    this.#committer = new BatchCommitter(
      {
        link: this.#link,
        dedup: NO_REDIS,
        rejections: new DeadLetterSender(options.producer, options.dlqTopic, self, LOGGER),
        metrics: createMetrics({ service: 'test', version: '0' }),
        log: LOGGER,
      },
      { transientAttempts: 5, transientBudgetMs: 60_000 },
    );
  }

  static async open(
    db: Database,
    options: { databaseUrl: string; topic: string; dlqTopic: string; producer: AckedProducer },
  ): Promise<InProcessIngest> {
    const [source] = await registerTopic(db, {
      kind: 'events',
      topic: options.topic,
      topicId: options.topic,
      partitions: 1,
      genesis: () => 0n,
    });
    const ingest = new InProcessIngest(options, source?.sourceId ?? -1);
    const session = await ingest.#link.session(new AbortController().signal);
    const claim = await claimSource(session, ingest.sourceId, 'test');
    const owned = { partition: 0, topicId: options.topic, committedOffset: 0, readOffset: 0 };
    ingest.#ownership.own({ ...owned, sourceId: ingest.sourceId, epoch: claim.epoch });
    return ingest;
  }

  get end(): number {
    return this.#end;
  }

  /** Commits these messages as one batch at the next offsets. */
  async take(messages: readonly Message[]): Promise<void> {
    const owned = this.#ownership.owned(0);
    if (owned === undefined) throw new Error('not claimed');
    const work = new BatchWork(messages.length);
    const first = this.#end;
    for (const message of messages) {
      work.batch.append(
        { ...message, topic: this.topic, partition: 0, offset: this.#end },
        this.sourceId,
      );
      this.#end += 1;
    }
    const span = { owned, first, end: this.#end, gap: 0, firstAppendMs: 0 };
    work.spans.set(this.sourceId, span);
    classify(work.batch, 0, { horizonMs: 0, partitions: 1 });
    await this.#committer.commit(work, new AbortController().signal);
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

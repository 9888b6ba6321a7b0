import { claimSource } from '@adtally/db';
import { createDeduplicator, type Deduplicator } from '@adtally/dedup';
import type { SourceRecord } from '@adtally/event-schema';
import type { AckedProducer } from '@adtally/kafka';
import { createLogger, createMetrics, type Metrics } from '@adtally/telemetry';
import {
  BatchCommitter,
  BatchWork,
  classify,
  COMMIT_METRICS,
  DeadLetterSender,
  Ownership,
  WriterLink,
  type CommitOutcome,
  type OwnedPartition,
} from '../../src/index.ts';
import type { TestLog } from './test-log.ts';

export interface TestWriterOptions {
  readonly databaseUrl: string;
  readonly log: TestLog;
  readonly producer: AckedProducer;
  readonly dlqTopic?: string;
  readonly dedup?: Deduplicator;
  readonly lockTimeoutMs?: number;
  readonly statementTimeoutMs?: number;
  readonly transientAttempts?: number;
  readonly transientBudgetMs?: number;
}

export const NO_REDIS = createDeduplicator({
  url: '',
  ttlSeconds: 60,
  keyPrefix: 'test',
  onEvent: () => undefined,
});

const NO_DLQ = 'adtally_test_never_made';
const APPLICATION = 'adtally-test-writer';

/** What an ingest process is between its topic and its database: claims, committer, link; no group. */
export class TestWriter {
  readonly ownership = new Ownership();
  readonly metrics: Metrics<typeof COMMIT_METRICS>;
  readonly link: WriterLink;
  readonly committer: BatchCommitter;
  readonly abandon = new AbortController();
  readonly #log: TestLog;

  constructor(options: TestWriterOptions) {
    const logger = createLogger({ service: 'test', level: 'silent' });
    this.#log = options.log;
    this.metrics = createMetrics({ service: 'test', version: '0', definitions: COMMIT_METRICS });
    this.link = new WriterLink(
      {
        databaseUrl: options.databaseUrl,
        applicationName: APPLICATION,
        lockTimeoutMs: options.lockTimeoutMs ?? 2_000,
        statementTimeoutMs: options.statementTimeoutMs ?? 10_000,
        connectTimeoutMs: 5_000,
      },
      { held: () => this.ownership.allOwned() },
      logger,
    );
    const self = { app: 'test', version: '0' };
    this.committer = new BatchCommitter(
      {
        link: this.link,
        dedup: options.dedup ?? NO_REDIS,
        companion: new DeadLetterSender(options.producer, options.dlqTopic ?? NO_DLQ, self, logger),
        metrics: this.metrics,
        log: logger,
      },
      {
        transientAttempts: options.transientAttempts ?? 1_000,
        transientBudgetMs: options.transientBudgetMs ?? 60_000,
      },
    );
  }

  /** Claims partitions of the log; a halted one throws. */
  async claim(...partitions: number[]): Promise<OwnedPartition[]> {
    const session = await this.link.session(this.abandon.signal);
    const owned: OwnedPartition[] = [];
    for (const partition of partitions) {
      const sourceId = this.#log.sourceId(partition);
      const claim = await claimSource(session, sourceId, APPLICATION);
      if (claim.halted !== null) throw new Error(`partition ${partition} is halted`);
      this.ownership.grant(partition, performance.now());
      owned.push(
        this.ownership.own({
          partition,
          sourceId,
          topicId: this.#log.topic,
          epoch: claim.epoch,
          committedOffset: claim.nextOffset,
          readOffset: claim.nextOffset,
        }),
      );
    }
    return owned;
  }

  /** A classified batch of these records: as the filler makes it, of partitions owned now. */
  work(records: readonly SourceRecord[]): BatchWork {
    const work = new BatchWork(Math.max(records.length, 1));
    for (const record of records) {
      const owned = this.ownership.owned(record.partition);
      if (owned === undefined || record.offset !== owned.readOffset) {
        throw new Error(`record ${record.partition}/${record.offset} is not the next to read`);
      }
      const span = work.spans.get(owned.sourceId) ?? {
        claim: owned,
        first: record.offset,
        end: record.offset,
        gap: 0,
        firstAppendMs: record.timestamp ?? 0,
      };
      span.end = record.offset + 1;
      owned.readOffset = span.end;
      work.spans.set(owned.sourceId, span);
      work.batch.append(record, owned.sourceId);
    }
    work.horizonMs = this.committer.horizonMs;
    classify(work.batch, 0, { horizonMs: work.horizonMs, partitions: null });
    return work;
  }

  commit(work: BatchWork): Promise<CommitOutcome> {
    return this.committer.commit(work, this.abandon.signal);
  }

  /** Reads and commits all that is left of the owned partitions, in batches over all of them. */
  async drain(perPartition = Number.POSITIVE_INFINITY): Promise<void> {
    for (;;) {
      const records = this.ownership
        .allOwned()
        .flatMap((owned) => this.#log.read(owned.partition, owned.readOffset, perPartition));
      if (records.length === 0) return;
      await this.commit(this.work(records));
    }
  }

  /** The value of a counter now, by its exposition text, e.g. `adtally_fenced_total`. */
  async counter(name: string, labels: Readonly<Record<string, string>> = {}): Promise<number> {
    const text = await this.metrics.render();
    const wanted = Object.entries(labels).map(([label, value]) => `${label}="${value}"`);
    const line = text
      .split('\n')
      .find(
        (one) =>
          (one.startsWith(`${name}{`) || one.startsWith(`${name} `)) &&
          wanted.every((label) => one.includes(label)),
      );
    return Number(line?.split(' ').at(-1) ?? 0);
  }

  /** How often a commit's answer was lost, by what the cursor then said. */
  ambiguous(resolution: 'committed' | 'retried' | 'fenced'): Promise<number> {
    return this.counter('adtally_ambiguous_commits_total', { resolution });
  }

  async close(): Promise<void> {
    this.abandon.abort();
    await this.link.close();
    await this.metrics.shutdown();
  }
}

import { cutConnections, type HeldSource } from '@adtally/db';
import {
  BatchCommitter,
  BatchFiller,
  BreakerAlerts,
  DeadLetterSender,
  IngestLoop,
  Ownership,
  PartitionBreakers,
  PartitionClaims,
  TopicWatch,
  WriterLink,
  type BreakerSettings,
} from '@adtally/pipeline';
import type { Heartbeat, Service } from '@adtally/service';
import type { Logger, Metrics } from '@adtally/telemetry';
import type { IngestConfig } from './env.ts';
import { PartitionMaker } from './partition-maker.ts';
import { openResources, type Resources } from './resources.ts';
import { VERSION } from './version.ts';

export interface IngestServiceParts {
  readonly config: IngestConfig;
  readonly metrics: Metrics;
  readonly log: Logger;
  readonly heartbeat: Heartbeat;
}

/** Of the drain deadline: how long a batch that cannot be written may hold up the drain. */
const GIVE_UP_SHARE = 0.6;
const CONNECT_TIMEOUT_MS = 10_000;

/** Wires the commit protocol together and runs it: the composition root of this app. */
export class IngestService implements Service {
  readonly name = 'ingest';
  readonly failed: Promise<Error>;
  readonly #parts: IngestServiceParts;
  readonly #stopping = new AbortController();
  /** Fires when the drain has no more time to wait for the database. */
  readonly #abandoned = new AbortController();
  readonly #failure = Promise.withResolvers<Error>();
  #resources: Resources | null = null;
  #close: (() => Promise<void>) | null = null;
  #loop: IngestLoop | null = null;
  #running: Promise<void> = Promise.resolve();
  #starting: Promise<void> = Promise.resolve();
  #ownership = new Ownership();
  #link: WriterLink | null = null;
  #breakers: PartitionBreakers | null = null;

  constructor(parts: IngestServiceParts) {
    this.#parts = parts;
    this.failed = this.#failure.promise;
  }

  start(): Promise<void> {
    this.#starting = this.#start();
    return this.#starting;
  }

  /** Finishes the batch in hand, releases the partitions, leaves the group, closes everything. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    const giveUpMs = this.#parts.config.drainDeadlineMs * GIVE_UP_SHARE;
    setTimeout(() => this.#abandoned.abort(), giveUpMs).unref();
    await this.#starting.catch(() => undefined);
    this.#loop?.stop();
    await this.#running;
    await this.#link?.close();
    await this.#close?.();
    this.#close = null;
  }

  notReady(): string | undefined {
    if (this.#loop === null) return 'not connected yet';
    // A spare member owns nothing and needs no session: it is ready to take over.
    const ownsSome = this.#ownership.allOwned().length > 0;
    if (ownsSome && this.#link?.isConnected !== true) return 'no database session';
    return undefined;
  }

  /** The state of every partition this process has to do with, for the status endpoint. */
  status(): object {
    const { config } = this.#parts;
    return {
      owner: config.owner,
      topic: config.topics.events.name,
      owned: this.#ownership.allOwned().map((owned) => ({
        partition: owned.partition,
        source_id: owned.sourceId,
        epoch: owned.epoch,
        next_offset: owned.committedOffset,
        log_end: this.#resources?.consumer.cachedEnd(owned.partition) ?? null,
      })),
      halted: this.#ownership.allHalted(),
    };
  }

  /** null until connected. */
  get breakers(): PartitionBreakers | null {
    return this.#breakers;
  }

  get resources(): Resources | null {
    return this.#resources;
  }

  async #start(): Promise<void> {
    const { config, metrics, log } = this.#parts;
    if (this.#stopping.signal.aborted) return;
    const opened = await openResources(config, metrics, log, this.#stopping.signal);
    this.#close = opened.close;
    this.#resources = opened.resources;
    if (this.#stopping.signal.aborted) return;
    this.#running = this.#run(opened.resources).catch((error: unknown) => {
      log.fatal({ err: error }, 'ingest stopped: a person must look at this');
      this.#failure.resolve(error instanceof Error ? error : new Error(String(error)));
    });
  }

  async #run(resources: Resources): Promise<void> {
    const { config, metrics, log, heartbeat } = this.#parts;
    const { consumer, admin, db, producer, dedup } = resources;
    const ownership = this.#ownership;
    const topic = config.topics.events.name;
    const held = (): HeldSource[] => ownership.allOwned();
    const link = new WriterLink(
      {
        databaseUrl: config.databaseUrl,
        applicationName: `adtally-writer ${config.owner}`,
        lockTimeoutMs: config.lockTimeoutMs,
        statementTimeoutMs: config.statementTimeoutMs,
        connectTimeoutMs: CONNECT_TIMEOUT_MS,
      },
      held,
      log,
    );
    this.#link = link;
    this.#abandoned.signal.addEventListener('abort', () => {
      log.warn(
        'the database did not answer in time: leaving what is not committed to the next start',
      );
      link.cut();
      cutConnections(db);
    });
    const self = { app: 'ingest-consumer', version: VERSION };
    const deadLetters = new DeadLetterSender(producer, config.topics.dlq.name, self, log);
    const committer = new BatchCommitter({ link, dedup, deadLetters, metrics, log }, config);
    const breaker = breakerSettings(config);
    const alerts = new BreakerAlerts(db, log, { topic, owner: config.owner, breaker });
    const breakers = new PartitionBreakers({ consumer, ownership, alerts, metrics, log }, breaker);
    this.#breakers = breakers;
    const filler = new BatchFiller(consumer, ownership, breakers, {
      lingerMs: config.batchLingerMs,
      mayHaveGaps: config.mayHaveGaps,
    });
    const claims = new PartitionClaims(
      { consumer, admin, db, link, ownership, metrics, log },
      { topic, owner: config.owner, startAt: config.startAt },
    );
    const watch = new TopicWatch({ admin, db, ownership, log }, topic);
    const partitionMaker = new PartitionMaker(db, log);
    this.#loop = new IngestLoop(
      {
        consumer,
        ownership,
        claims,
        filler,
        committer,
        watch,
        breakers,
        metrics,
        log,
        beat: () => heartbeat.beat(),
        abandoned: this.#abandoned.signal,
      },
      {
        batchMaxEvents: config.batchMaxEvents,
        limits: { maxValueBytes: config.recordMaxBytes, maxDepth: config.jsonMaxDepth },
      },
    );
    await partitionMaker.start();
    watch.start(config.topicCheckMs);
    try {
      await this.#loop.run();
    } finally {
      await watch.stop();
      await alerts.stop();
      await partitionMaker.stop();
    }
  }
}

/** The part of the configuration that breakers go by. */
export function breakerSettings(config: IngestConfig): BreakerSettings {
  return {
    windowRecords: config.breakerWindowRecords,
    rejectedShare: config.breakerRejectedShare,
    recordsPerSecond: config.breakerRecordsPerSecond,
  };
}

import type { Secret } from '@adtally/config';
import {
  ADVISORY_LOCKS,
  replaceLag,
  readTopicShares,
  sourcePositions,
  takeFreshReports,
  type Database,
  type PartitionLag,
} from '@adtally/db';
import { KafkaAdmin, type KafkaSettings } from '@adtally/kafka';
import { pause } from '@adtally/pacing';
import type { Service } from '@adtally/service';
import type { Logger, MetricsExport } from '@adtally/telemetry';
import { Leadership } from '../leadership.ts';
import type { LagMetrics } from '../metrics.ts';
import { AppendAges } from './append-ages.ts';
import { LagLook } from './lag-look.ts';
import { LeadBySight } from './lead-by-sight.ts';
import { StuckLog } from './stuck-log.ts';
import { TopicObserver } from './topic-observer.ts';

export interface LagTellerParts {
  readonly config: { readonly databaseUrl: string | Secret; readonly kafka: KafkaSettings };
  readonly metrics: LagMetrics & Pick<MetricsExport, 'beforeScrape'>;
  readonly log: Logger;
}

export interface LagPace {
  /** From look to look, of the leader at brokers and database, and of those who would be it at the lock. */
  readonly everyMs: number;
  /** Figures that were not found again for so long are not told any more. */
  readonly staleAfterMs: number;
  /** A session that says nothing for so long is ended by the server. Longer: two never tell at a time. */
  readonly silentMaxMs: number;
  /** A cursor that has not moved for so long although records wait is stuck. */
  readonly stuckAfterMs: number;
}

const PACE: LagPace = {
  everyMs: 2_500,
  staleAfterMs: 9_000,
  silentMaxMs: 10_000,
  stuckAfterMs: 10_000,
};

/** So that one silent broker of several delays the others' figures by less than they may be late. */
const REQUEST_TIMEOUT_MS = 4_000;
/** How long a new leader waits for the brokers before it tells what it knows without them. */
const FIRST_ANSWER_MS = 3_000;

/**
 * Tells how far every partition of every counted topic is behind, and which of them stand still and why, while this
 * process is the leader; so the figures outlive the consumers they speak of (docs/adr/0014). It compares the brokers'
 * word with the database's, each asked at its own pace: none holds up the other, and neither holds up the service.
 */
export class LagTeller implements Service {
  readonly name = 'lag';
  readonly #parts: LagTellerParts;
  readonly #pace: LagPace;
  readonly #leadership: Leadership;
  readonly #sight: LeadBySight;
  #toldMs = -Infinity;
  #isFailing = false;

  constructor(parts: LagTellerParts, pace: LagPace = PACE) {
    this.#parts = parts;
    this.#pace = pace;
    this.#sight = new LeadBySight(parts.config.kafka, REQUEST_TIMEOUT_MS);
    this.#leadership = new Leadership({
      databaseUrl: parts.config.databaseUrl,
      applicationName: 'adtally-lag',
      lock: ADVISORY_LOCKS.lag,
      everyMs: pace.everyMs,
      silentMaxMs: pace.silentMaxMs,
      mayLead: (session) => this.#sight.mayLead(session),
      lead: (session, over) => this.#lead(session, over),
      onFailure: (error) => this.#noteFailure(error),
    });
    // A process that was frozen may be asked before it finds that it lost the lead.
    parts.metrics.beforeScrape(() => {
      if (performance.now() - this.#toldMs > pace.staleAfterMs) this.#forget();
    });
  }

  async start(): Promise<void> {
    this.#leadership.start();
  }

  async stop(): Promise<void> {
    await this.#leadership.stop();
    this.#sight.close();
  }

  async #lead(session: Database, over: AbortSignal): Promise<void> {
    const { config, log } = this.#parts;
    log.info('tells the lag of every partition');
    const admin = new KafkaAdmin(config.kafka, {
      requestTimeoutMs: REQUEST_TIMEOUT_MS,
      onNotice: (notice) => log.debug({ notice }, 'kafka client of the lag'),
    });
    const observer = new TopicObserver(admin, this.#pace.everyMs);
    const ages = new AppendAges(config.kafka, log);
    const look = new LagLook(observer, ages, this.#pace.stuckAfterMs);
    const words = new StuckLog(log);
    try {
      await this.#sight.begin(session);
      // Before the brokers were asked only old ends are known.
      look.take(await sourcePositions(session), [], await readTopicShares(session));
      observer.start();
      await Promise.race([observer.asked, pause(FIRST_ANSWER_MS, over)]);
      while (!over.aborted) {
        const positions = await sourcePositions(session);
        const reports = await takeFreshReports(session);
        const shares = await readTopicShares(session);
        const { partitions, contested } = look.take(positions, reports, shares);
        this.#tell(partitions, contested);
        words.tell(partitions, contested);
        await replaceLag(session, partitions);
        this.#isFailing = false;
        // Before it would call everything stuck.
        const isUnseen = observer.silentMs > this.#pace.stuckAfterMs / 2;
        if (await this.#sight.makesWay(session, isUnseen)) {
          log.warn('gives up telling the lag: another process sees the brokers');
          return;
        }
        await pause(this.#pace.everyMs, over);
      }
    } finally {
      this.#forget();
      // Not waited for: a request in hand may take its ten seconds, and the next leader needs none of this.
      void observer
        .stop()
        .then(() => admin.close())
        .then(() => ages.close());
    }
  }

  #tell(
    partitions: readonly PartitionLag[],
    contested: ReadonlyMap<string, readonly string[]>,
  ): void {
    const { metrics } = this.#parts;
    this.#forget();
    for (const { topic, partition, lagRecords, lagSeconds, stuck } of partitions) {
      const labels = { topic, partition: String(partition) };
      if (lagRecords !== null) metrics.lagRecords.set(lagRecords, labels);
      if (lagSeconds !== null) metrics.lagSeconds.set(lagSeconds, labels);
      if (stuck !== null) metrics.partitionStuck.set(1, { ...labels, reason: stuck.code });
    }
    for (const [topic, groups] of contested) metrics.topicGroups.set(groups.length, { topic });
    this.#toldMs = performance.now();
  }

  #forget(): void {
    const { lagRecords, lagSeconds, partitionStuck, topicGroups } = this.#parts.metrics;
    for (const gauge of [lagRecords, lagSeconds, partitionStuck, topicGroups]) gauge.clear();
  }

  #noteFailure(error: unknown): void {
    const level = this.#isFailing ? 'debug' : 'warn';
    this.#isFailing = true;
    this.#parts.log[level]({ err: error }, 'the lag of partitions cannot be told');
  }
}

import { cutConnections, type HeldSource } from '@adtally/db';
import { createDeduplicator } from '@adtally/dedup';
import {
  AdmitAll,
  BatchCommitter,
  BatchFiller,
  ClaimPreparation,
  CursorWatch,
  HoldUps,
  IngestLoop,
  LoopService,
  Ownership,
  PartitionClaims,
  PartitionReporter,
  ReadMarks,
  toldLag,
  ThrottleWatch,
  TopicWatch,
  Servers,
  WriterLink,
  type LoopWiring,
} from '@adtally/pipeline';
import type { AppParts } from '@adtally/service';
import type { ReprocessorConfig } from './env.ts';
import { Lanes } from './lanes.ts';
import { LetterChores } from './letter-chores.ts';
import { countCopies, LetterCopier, takeAsLetters } from './letter-copier.ts';
import type { METRICS } from './metrics.ts';
import { recordExpiry } from './record-expiry.ts';
import { openResources, type Resources } from './resources.ts';
import { Retrier } from './retrier.ts';
import { TrySettler } from './try-settler.ts';
import { Undertaker } from './undertaker.ts';
import { VolumeWatch } from './volume-watch.ts';

type ReprocessorParts = AppParts<ReprocessorConfig, typeof METRICS>;

const CONNECT_TIMEOUT_MS = 10_000;
const COPY_BATCH_MAX = 1_000;
const COPY_LINGER_MS = 100;
/** Copying moves whole records into the database: nothing there to predict. */
const NOTHING_TO_PREDICT = createDeduplicator({
  url: '',
  ttlSeconds: 1,
  keyPrefix: '',
  onEvent: () => undefined,
});

/** Wires copying and retrying of dead letters together: the composition root of this app. */
export function createReprocessor(parts: ReprocessorParts) {
  const { config, metrics, log } = parts;
  let lanes: Lanes | null = null;
  const { refusedMaxMs } = config;
  const servers = new Servers({ refusedMaxMs, log, beat: () => parts.heartbeat.beat() });
  const service = new LoopService<Resources>({
    name: 'reprocessor',
    drainDeadlineMs: config.drainDeadlineMs,
    log,
    servers,
    open: (signal) => openResources(config, metrics, log, servers, signal),
    wire: (resources, abandoned) => {
      const wired = wire(parts, servers, resources, abandoned);
      lanes = wired.lanes;
      return wired.wiring;
    },
  });
  /** The partitions copied, those that stand still, and the lanes retried. */
  const status = async (): Promise<object> => ({
    owner: config.owner,
    topic: config.topics.dlq.name,
    servers_failing: service.serverFailures(),
    ...service.partitions((partition) => service.resources?.consumer.cachedEnd(partition) ?? null),
    lag: await toldLag(service.resources?.db, config.topics.dlq.name),
    lanes: (lanes?.held ?? []).map(({ lane, sourceId, epoch, committedOffset }) => ({
      lane,
      source_id: sourceId,
      epoch,
      tries: committedOffset,
    })),
  });
  return { service, status };
}

function wire(
  { version, config, metrics, log, heartbeat }: ReprocessorParts,
  servers: Servers,
  { consumer, admin, claimsAdmin, db, producer, dedup }: Resources,
  abandoned: AbortSignal,
): { wiring: LoopWiring; lanes: Lanes } {
  const dlqTopic = config.topics.dlq.name;
  const eventsTopic = config.topics.events.name;
  const { owner } = config;
  const decode = {
    maxValueBytes: config.recordMaxBytes,
    maxDepth: config.jsonMaxDepth,
    readAsNewest: config.readAsNewest,
  };
  const ownership = new Ownership();
  const held = (): HeldSource[] => [...ownership.allOwned(), ...lanes.held];
  const cursors = new CursorWatch(
    { db, claims: () => ownership.allOwned(), metrics, log },
    config.topicCheckMs,
  );
  const link = new WriterLink(
    {
      databaseUrl: config.databaseUrl,
      applicationName: `adtally-reprocessor ${owner}`,
      lockTimeoutMs: config.lockTimeoutMs,
      statementTimeoutMs: config.statementTimeoutMs,
      connectTimeoutMs: CONNECT_TIMEOUT_MS,
    },
    {
      held,
      compare: (found) => {
        cursors.compare(found);
        lanes.cursors.compare(found);
      },
    },
    log,
    servers.postgres,
  );
  const lanes = new Lanes(
    { admin, db, link, metrics, log },
    { dlqTopic, eventsTopic, owner, compareEveryMs: config.topicCheckMs },
  );

  const settler = new TrySettler({ firstMs: config.backoffFirstMs, lastMs: config.backoffLastMs });
  const retries = new BatchCommitter(
    { link, dedup, companion: settler, metrics, log },
    { ...config, mayBlameAlone: true },
  );
  const retrier = new Retrier(
    { link, lanes, committer: retries, settler, metrics, log },
    {
      eventsTopic,
      batchMax: config.retryBatchMax,
      limits: config.limits,
      decode,
      appVersion: version,
    },
  );
  const undertaker = new Undertaker(
    { link, producer, metrics, log },
    { eventsTopic, deadTopic: config.topics.dead.name, appVersion: version },
  );
  const chores = new LetterChores(
    { link, lanes, retrier, undertaker, committer: retries, log },
    { ...config, eventsTopic },
  );

  const holdUps = new HoldUps();
  const copies = new BatchCommitter(
    { link, dedup: NOTHING_TO_PREDICT, companion: new LetterCopier(), metrics, log, holdUps },
    config,
  );
  const preparation = new ClaimPreparation(
    { admin: claimsAdmin, db, source: consumer, ownership },
    { kind: 'dlq', topic: dlqTopic, owner, startAt: { kind: 'log_start' } },
  );
  const claims = new PartitionClaims(
    { consumer, preparation, link, ownership, metrics, log },
    owner,
  );
  const watch = new TopicWatch(
    { admin, db, ownership, metrics, log, standing: servers.kafka },
    dlqTopic,
    config.topicCheckMs,
  );
  const marks = new ReadMarks({ source: consumer, db, ownership, log }, config.topicCheckMs);
  const admission = new AdmitAll(ownership);
  const filler = new BatchFiller(consumer, ownership, admission, {
    classify: takeAsLetters,
    lingerMs: COPY_LINGER_MS,
    mayHaveGaps: false,
  });
  const loop = new IngestLoop(
    {
      consumer,
      ownership,
      claims,
      filler,
      committer: copies,
      watch,
      cursors,
      admission,
      metrics,
      log,
      onCommitted: countCopies(metrics),
      chores,
      beat: () => heartbeat.beat(),
      abandoned,
    },
    { batchMaxEvents: COPY_BATCH_MAX, limits: decode },
  );
  const volumeWatch = new VolumeWatch(
    { db, lanes, metrics, log },
    { dlqTopic, owner, perMinute: config.spikePerMinute, factor: config.spikeFactor },
  );
  const expiry = recordExpiry(db, config.retentionDays, log);
  const reporter = new PartitionReporter(
    { db, ownership, holdUps, log },
    { topic: dlqTopic, consumerGroup: config.group, owner },
  );
  const throttles = new ThrottleWatch(
    { holdUps, metrics, log },
    { consumer: consumer.throttling, producer: producer.throttling },
  );
  const wiring: LoopWiring = {
    loop,
    link,
    consumer,
    ownership,
    holdUps,
    beside: [throttles, watch, marks, volumeWatch, expiry, cursors, lanes.cursors, reporter],
    cut: () => cutConnections(db),
  };
  return { wiring, lanes };
}

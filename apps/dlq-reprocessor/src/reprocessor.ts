import { cutConnections } from '@adtally/db';
import { createDeduplicator } from '@adtally/dedup';
import {
  AdmitAll,
  BatchCommitter,
  BatchFiller,
  BatchTracing,
  ClaimPreparation,
  CursorWatch,
  HindranceWatch,
  HoldUps,
  IngestLoop,
  LoopService,
  Ownership,
  PartitionClaims,
  PartitionReporter,
  ReadMarks,
  toldLag,
  countHeartbeats,
  ThrottleWatch,
  TopicWatch,
  Servers,
  sideBySide,
  WriterLink,
  type HeldSources,
  type LoopWiring,
} from '@adtally/pipeline';
import { schemasOf } from '@adtally/schema-registry';
import type { AppParts } from '@adtally/service';
import type { ReprocessorConfig } from './env.ts';
import { limitsTeller, tellLimits } from './limits-teller.ts';
import { letterWork, type LetterWork } from './letter-work.ts';
import { countCopies, LetterCopier, takeAsLetters } from './letter-copier.ts';
import type { METRICS } from './metrics.ts';
import { recordExpiry } from './record-expiry.ts';
import { openResources, type Resources } from './resources.ts';
import { VolumeWatch } from './volume-watch.ts';

type ReprocessorParts = AppParts<ReprocessorConfig, typeof METRICS>;

const CONNECT_TIMEOUT_MS = 10_000;
const COPY_BATCH_MAX = 5_000;
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
  let letters: LetterWork | null = null;
  const { refusedMaxMs } = config;
  const servers = new Servers({ refusedMaxMs, log, beat: () => parts.heartbeat.beat() });
  const service = new LoopService<Resources>({
    name: 'reprocessor',
    topic: config.topics.dlq.name,
    drainDeadlineMs: config.drainDeadlineMs,
    log,
    servers,
    open: (signal) => openResources(config, metrics, log, servers, signal),
    wire: (resources, abandoned) => {
      const wired = wire(parts, servers, resources, abandoned);
      letters = wired.letters;
      return wired.wiring;
    },
  });
  /** The partitions copied, those that stand still, the lanes retried, and what keeps letters waiting. */
  const status = async (): Promise<object> => ({
    owner: config.owner,
    topic: config.topics.dlq.name,
    servers_failing: service.serverFailures(),
    ...service.partitions((partition) => service.resources?.consumer.cachedEnd(partition) ?? null),
    lag: await toldLag(service.resources?.db, config.topics.dlq.name),
    ...letters?.status(),
  });
  return { service, status };
}

function wire(
  parts: ReprocessorParts,
  servers: Servers,
  resources: Resources,
  abandoned: AbortSignal,
): { wiring: LoopWiring; letters: LetterWork } {
  const { config, metrics, tracer, log, heartbeat } = parts;
  const { consumer, admin, claimsAdmin, db, producer } = resources;
  const dlqTopic = config.topics.dlq.name;
  const { owner } = config;
  const decode = {
    maxValueBytes: config.recordMaxBytes,
    maxDepth: config.jsonMaxDepth,
    readAsNewest: config.readAsNewest,
    ...schemasOf(config, log),
  };
  const ownership = new Ownership();
  const cursors = new CursorWatch(
    { db, claims: () => ownership.allOwned(), metrics, log },
    config.topicCheckMs,
  );
  const writerLink = (name: string, sources: HeldSources): WriterLink =>
    new WriterLink(
      {
        databaseUrl: config.databaseUrl,
        applicationName: `adtally-reprocessor ${owner} ${name}`,
        lockTimeoutMs: config.lockTimeoutMs,
        statementTimeoutMs: config.statementTimeoutMs,
        connectTimeoutMs: CONNECT_TIMEOUT_MS,
      },
      sources,
      log,
      servers.postgres,
    );
  const link = writerLink('copies', {
    held: () => ownership.allOwned(),
    compare: (found) => cursors.compare(found),
  });
  const letters = letterWork(parts, resources, { decode, writerLink, abandoned });

  const holdUps = new HoldUps();
  const copies = new BatchCommitter(
    { link, dedup: NOTHING_TO_PREDICT, companion: new LetterCopier(), metrics, log, holdUps },
    config,
  );
  const preparation = new ClaimPreparation(
    { admin: claimsAdmin, db, source: consumer, ownership, log },
    { kind: 'dlq', topic: dlqTopic, owner, startAt: { kind: 'log_start' } },
  );
  const claims = new PartitionClaims(
    { consumer, preparation, link, ownership, metrics, log },
    { kind: 'dlq', topic: dlqTopic, owner },
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
  const tracing =
    tracer &&
    new BatchTracing(tracer, {
      name: `copy ${dlqTopic}`,
      topic: dlqTopic,
      consumerGroup: config.group,
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
      tracing,
      log,
      onCommitted: countCopies(metrics),
      letGo: (partitions) => letters.lanes.release(partitions),
      beat: () => heartbeat.beat(),
      abandoned,
    },
    { batchMaxEvents: COPY_BATCH_MAX, limits: decode },
  );
  const volumeWatch = new VolumeWatch(
    { db, lanes: letters.lanes, metrics, log },
    { dlqTopic, owner, perMinute: config.spikePerMinute, factor: config.spikeFactor },
  );
  const limits = limitsTeller({ db, log }, config, parts.version);
  const expiry = recordExpiry(db, config.retentionDays, log);
  const hindrances = new HindranceWatch({ source: consumer, log });
  const reporter = new PartitionReporter(
    { db, ownership, holdUps, hindrances, log },
    { topic: dlqTopic, consumerGroup: config.group, owner },
  );
  countHeartbeats(consumer, metrics);
  const throttles = new ThrottleWatch(
    { holdUps, metrics, log },
    { consumer: consumer.throttling, producer: producer.throttling },
  );
  const wiring: LoopWiring = {
    loop: sideBySide([loop, ...letters.loops]),
    reads: loop,
    link,
    consumer,
    join: async (signal) => {
      // Before anything is tried: who looks at a process that is ready finds its limits.
      await servers.atDatabase(() => tellLimits(db, config, parts.version), signal);
      consumer.join();
    },
    ownership,
    holdUps,
    hindrances,
    beside: [
      ...letters.beside,
      throttles,
      hindrances,
      watch,
      marks,
      volumeWatch,
      limits,
      expiry,
      cursors,
      reporter,
    ],
    inHand: () => letters.inHand(),
    cut: () => {
      cutConnections(db);
      letters.cut();
    },
  };
  return { wiring, letters };
}

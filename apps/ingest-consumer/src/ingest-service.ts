import { cutConnections } from '@adtally/db';
import { BreakerAlerts } from './breaker/breaker-alerts.ts';
import { PartitionBreakers } from './breaker/partition-breakers.ts';
import { type BreakerSettings } from './breaker/rejection-breaker.ts';
import { countEvents } from './count-events.ts';
import {
  BatchCommitter,
  BatchFiller,
  BatchTracing,
  ClaimPreparation,
  CursorWatch,
  classify,
  DeadLetterSender,
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
  WriterLink,
  type LoopWiring,
} from '@adtally/pipeline';
import { schemasOf } from '@adtally/schema-registry';
import type { AppParts } from '@adtally/service';
import { topicRules } from '@adtally/pipeline/env';
import type { IngestConfig } from './env.ts';
import type { METRICS } from './metrics.ts';
import { MisroutedSources } from './misrouted-sources.ts';
import { PartitionMaker } from './partition-maker.ts';
import { MemberTurn, type MemberTurnParts } from './static-member/member-turn.ts';
import { rehearse } from './static-member/rehearsal.ts';
import { openResources, type Resources } from './resources.ts';

type IngestParts = AppParts<IngestConfig, typeof METRICS>;

const CONNECT_TIMEOUT_MS = 10_000;

/** Wires the commit protocol together: the composition root of this app. */
export function createIngest(parts: IngestParts) {
  const { config, metrics, log } = parts;
  let breakers: PartitionBreakers | null = null;
  const { refusedMaxMs } = config;
  const servers = new Servers({ refusedMaxMs, log, beat: () => parts.heartbeat.beat() });
  const service = new LoopService<Resources>({
    name: 'ingest',
    topic: config.topics.events.name,
    drainDeadlineMs: config.drainDeadlineMs,
    log,
    servers,
    open: (signal) => openResources(config, metrics, log, servers, signal),
    wire: (resources, abandoned) => {
      const wired = wire(parts, servers, resources, abandoned);
      breakers = wired.breakers;
      return wired.wiring;
    },
  });
  /** The state of every partition this process has to do with. */
  const status = async (): Promise<object> => ({
    owner: config.owner,
    topic: config.topics.events.name,
    standing_by: service.standsBy,
    servers_failing: service.serverFailures(),
    ...service.partitions((partition) => service.resources?.consumer.cachedEnd(partition) ?? null),
    lag: await toldLag(service.resources?.db, config.topics.events.name),
  });
  /** Null until connected. */
  return { service, status, breakers: () => breakers };
}

function wire(
  { app, version, config, metrics, tracer, log, heartbeat }: IngestParts,
  servers: Servers,
  { consumer, admin, claimsAdmin, db, producer, dedup, caller }: Resources,
  abandoned: AbortSignal,
): { wiring: LoopWiring; breakers: PartitionBreakers } {
  const topic = config.topics.events.name;
  const ownership = new Ownership(config.partitions);
  const held = () => ownership.allOwned();
  const cursors = new CursorWatch({ db, claims: held, metrics, log }, config.topicCheckMs);
  const link = new WriterLink(
    {
      databaseUrl: config.databaseUrl,
      applicationName: `adtally-writer ${config.owner}`,
      lockTimeoutMs: config.lockTimeoutMs,
      statementTimeoutMs: config.statementTimeoutMs,
      connectTimeoutMs: CONNECT_TIMEOUT_MS,
      calls: {
        group: config.consumerGroup,
        onCall: () => consumer.askGroup(),
        onGoodbye: (instanceId) => turn?.heardGoodbye(instanceId),
      },
    },
    { held, compare: (found) => cursors.compare(found) },
    log,
    servers.postgres,
  );
  const self = { app, version };
  const holdUps = new HoldUps();
  const companion = new DeadLetterSender(producer, config.topics.dlq.name, self, log, holdUps);
  const committer = new BatchCommitter({ link, dedup, companion, metrics, log, holdUps }, config);
  const breaker = breakerSettings(config);
  const alerts = new BreakerAlerts(db, log, { topic, owner: config.owner, breaker });
  const breakers = new PartitionBreakers({ consumer, ownership, alerts, metrics, log }, breaker);
  const filler = new BatchFiller(consumer, ownership, breakers, {
    classify,
    lingerMs: config.batchLingerMs,
    mayHaveGaps: config.mayHaveGaps,
  });
  const preparation = new ClaimPreparation(
    { admin: claimsAdmin, db, source: consumer, ownership, log },
    {
      kind: 'events',
      topic,
      owner: config.owner,
      startAt: config.startAt,
      rules: topicRules(config),
      share: config.partitions,
    },
  );
  const claims = new PartitionClaims(
    { consumer, preparation, link, ownership, metrics, log },
    { kind: 'events', topic, owner: config.owner },
  );
  const watch = new TopicWatch(
    { admin, db, ownership, metrics, log, standing: servers.kafka },
    topic,
    config.topicCheckMs,
  );
  const count = countEvents(metrics, log);
  const misrouted = new MisroutedSources(
    { db, partitions: () => claims.partitionCount, log },
    topic,
  );
  const marks = new ReadMarks({ source: consumer, db, ownership, log }, config.topicCheckMs);
  const tracing =
    tracer &&
    new BatchTracing(tracer, {
      name: `process ${topic}`,
      topic,
      consumerGroup: config.consumerGroup,
    });
  const loop = new IngestLoop(
    {
      consumer,
      ownership,
      claims,
      filler,
      committer,
      watch,
      cursors,
      admission: breakers,
      metrics,
      tracing,
      log,
      onCommitted: (work, counts, committed) => {
        count(work, counts, committed);
        misrouted.note(work.batch);
      },
      gaveBack: () => caller.call(),
      beat: () => heartbeat.beat(),
      abandoned,
    },
    {
      batchMaxEvents: config.batchMaxEvents,
      limits: {
        maxValueBytes: config.recordMaxBytes,
        maxDepth: config.jsonMaxDepth,
        readAsNewest: config.readAsNewest,
        ...schemasOf(config, log),
      },
    },
  );
  const hindrances = new HindranceWatch({ source: consumer, log });
  const { owner, consumerGroup } = config;
  const reporter = new PartitionReporter(
    { db, ownership, holdUps, hindrances, log },
    { topic, consumerGroup, owner },
  );
  countHeartbeats(consumer, metrics);
  const throttles = new ThrottleWatch(
    { holdUps, metrics, log },
    { consumer: consumer.throttling, producer: producer.throttling },
  );
  const turn = turnOf(config, {
    link,
    rehearse: (session, signal) => rehearse({ preparation, log }, session, signal),
    log,
    beat: () => heartbeat.beat(),
  });
  const wiring: LoopWiring = {
    loop,
    reads: loop,
    link,
    consumer,
    join: async (signal) => {
      await turn?.come(signal);
      consumer.join();
      caller.call();
    },
    standsBy: () => turn?.standsBy === true,
    ...(turn && { leave: () => consumer.leave({ keepMembership: true }) }),
    ownership,
    holdUps,
    hindrances,
    beside: [
      ...(turn ? [turn] : []),
      throttles,
      hindrances,
      new PartitionMaker(db, log),
      alerts,
      misrouted,
      watch,
      marks,
      cursors,
      reporter,
    ],
    cut: () => cutConnections(db),
  };
  return { wiring, breakers };
}

/** Of the static member that this process is to be; undefined where it is none. */
function turnOf(
  { consumerGroup: group, groupInstanceId: instanceId }: IngestConfig,
  parts: MemberTurnParts,
): MemberTurn | undefined {
  return instanceId === '' ? undefined : new MemberTurn(parts, { group, instanceId });
}

/** The part of the configuration that breakers go by. */
export function breakerSettings(config: IngestConfig): BreakerSettings {
  return {
    windowRecords: config.breakerWindowRecords,
    rejectedShare: config.breakerRejectedShare,
    recordsPerSecond: config.breakerRecordsPerSecond,
  };
}

import type { Database } from '@adtally/db';
import type { KafkaAdmin } from '@adtally/kafka';
import type { ServerStanding, WorkBook } from '@adtally/service';
import type { Logger, Tracer } from '@adtally/telemetry';
import { DeadTopicLoop } from './dead-topic/dead-topic-loop.ts';
import type { AlerterConfig } from './env.ts';
import { keepHouse } from './incidents/housekeeping.ts';
import type { AlertSettings } from './incidents/settings.ts';
import type { Lease } from './lease.ts';
import type { AlerterMetrics } from './metrics.ts';
import { Sender } from './notify/sender.ts';
import type { ListedSink } from './notify/sinks.ts';
import { Bell } from './bell.ts';

/** What of the configuration the active instance goes by. */
export type TermConfig = Pick<
  AlerterConfig,
  | 'kafka'
  | 'topics'
  | 'owner'
  | 'topicCheckMs'
  | 'deadRateThreshold'
  | 'deadRateWindowMs'
  | 'incidentResolveMs'
  | 'incidentUpdateMs'
  | 'incidentRepeatMs'
  | 'copyMemoryMs'
  | 'alertEnv'
  | 'alertLabels'
  | 'runbookBaseUrl'
  | 'sinkRetryMs'
  | 'sinkRetryMaxMs'
  | 'sinkRefusalsMax'
  | 'sinkRefusalsMs'
>;

export interface TermParts {
  /** The one connection that holds the lock; everything is written through it. */
  readonly session: Database;
  readonly lease: Lease;
  readonly config: TermConfig;
  readonly sinks: readonly ListedSink[];
  readonly admin: KafkaAdmin;
  readonly brokers: ServerStanding;
  /** Told of what is taken up and finished. */
  readonly book: WorkBook;
  readonly metrics: AlerterMetrics;
  readonly tracer?: Tracer | undefined;
  readonly log: Logger;
  readonly beat: () => void;
}

/**
 * The time for which this instance is the active one: reads, keeps house and sends until `stopping` fires,
 * the work in hand included. The first part that fails ends them all, and its error rejects; `abandoned`
 * gives up what is in hand as well.
 */
export async function runTerm(
  parts: TermParts,
  stopping: AbortSignal,
  abandoned: AbortSignal,
): Promise<void> {
  const { session, lease, config, sinks, metrics, tracer, log, book } = parts;
  const failing = new AbortController();
  const failures: unknown[] = [];
  const lost = AbortSignal.any([failing.signal, abandoned]);
  const ending = AbortSignal.any([stopping, lost]);
  const guard = async (part: Promise<void>): Promise<void> => {
    try {
      await part;
    } catch (error) {
      failures.push(error);
      failing.abort(error);
    }
  };
  const settings = settingsOf(config, sinks);
  const bell = new Bell();
  const retry = {
    retryFirstMs: config.sinkRetryMs,
    retryLastMs: config.sinkRetryMaxMs,
    refusalsMax: config.sinkRefusalsMax,
    refusalsMs: config.sinkRefusalsMs,
  };
  let lookedAtMs = performance.now();
  const deadTopic = new DeadTopicLoop({
    ...parts,
    kafka: config.kafka,
    settings,
    topicCheckMs: config.topicCheckMs,
    owner: config.owner,
    bell,
    beat: () => {
      lookedAtMs = performance.now();
      parts.beat();
    },
  });
  const work = [
    deadTopic.run(ending),
    keepHouse({ session, settings, bell, log }, ending),
    ...sinks.map((sink) =>
      new Sender({ sink, session, lease, bell, metrics, tracer, log, book }, retry).run(
        ending,
        lost,
      ),
    ),
  ].map(guard);
  const finished = new AbortController();
  // Goes on while the others end their work, so that nobody takes over in the middle of it.
  const renewing = guard(
    lease.keep(AbortSignal.any([finished.signal, lost]), (serverNowMs) => {
      const quietMs = performance.now() - lookedAtMs;
      metrics.alerterHeartbeatTimestampSeconds.set((serverNowMs - quietMs) / 1_000);
    }),
  );
  await Promise.all(work);
  finished.abort();
  await renewing;
  if (failures.length > 0) throw failures[0];
}

function settingsOf(config: TermConfig, sinks: readonly ListedSink[]): AlertSettings {
  return {
    topic: config.topics.dead.name,
    rule: {
      threshold: config.deadRateThreshold,
      windowMs: config.deadRateWindowMs,
      resolveMs: config.incidentResolveMs,
    },
    updateMs: config.incidentUpdateMs,
    repeatMs: config.incidentRepeatMs,
    copyMemoryMs: config.copyMemoryMs,
    env: config.alertEnv,
    labels: config.alertLabels,
    eventsTopic: config.topics.events.name,
    runbookBaseUrl: config.runbookBaseUrl.replace(/\/+$/, ''),
    sinks: sinks.map((sink) => sink.name),
  };
}

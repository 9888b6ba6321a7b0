import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { RefusedError } from '@adtally/analytics';
import { claimReplay, ReplayBusy, type ReplayClaim } from './runs/claim-replay.ts';
import { endReplay, type Replay } from './runs/find-replays.ts';
import { readWriteGuards, releaseSources, type Database, type WriterSession } from '@adtally/db';
import { buildVersion } from '@adtally/config';
import { createDeduplicator } from '@adtally/dedup';
import { TopicReader, type KafkaAdmin } from '@adtally/kafka';
import { BatchCommitter, COMMIT_METRICS, WriterLink } from '@adtally/pipeline';
import { Closers } from '@adtally/service';
import { createMetrics, type Logger } from '@adtally/telemetry';
import type { ReplayConfig } from '../replay-env.ts';
import { laneOf, type Lane } from './lane.ts';
import { readReplay } from './plan.ts';
import { RangeReader } from './range-reader.ts';
import { ReplayAdvancer } from './replay-advancer.ts';
import { ReplayBatch } from './replay-batch.ts';
import { Replayer, type ReplayProgress } from './replayer.ts';

const CONNECT_TIMEOUT_MS = 10_000;
/** The server needs a moment to notice that a killed process is gone. */
const BUSY_FOR_MS = 2_000;
const BUSY_POLL_MS = 100;
/**
 * Redis would predict well for what ingest has just read, but nearly every record of a replay is there:
 * a wrong "new" costs a failed COPY a batch. All goes the verified way, and no old key is marked as seen.
 */
const NOTHING_TO_PREDICT = createDeduplicator({
  url: '',
  ttlSeconds: 1,
  keyPrefix: '',
  onEvent: () => undefined,
});

export interface WorkReplayParts {
  readonly db: Database;
  readonly admin: KafkaAdmin;
  readonly config: ReplayConfig;
  readonly log: Logger;
  readonly onProgress: (progress: ReplayProgress) => void;
  /** Told once the replay is ours, before anything is written; waited for. */
  readonly onClaimed?: (() => Promise<void>) | undefined;
  /** Ends it after the batch in hand; it can be resumed. */
  readonly signal: AbortSignal;
}

/**
 * Claims a replay and works it off from where it stands.
 *
 * @throws RefusedError while another process works on it, or where its topic is gone
 * @throws ReplayStopped where it cannot go on
 */
export async function workReplay(
  replay: Replay,
  rate: number | null,
  parts: WorkReplayParts,
): Promise<'done' | 'interrupted'> {
  const { db, admin, config, log, onProgress, signal } = parts;
  const closers = new Closers(log);
  try {
    const metrics = createMetrics({
      service: 'backfill-runner',
      version: buildVersion(new URL('../../package.json', import.meta.url)),
      definitions: COMMIT_METRICS,
    });
    closers.add(() => metrics.shutdown());
    const lanes: Lane[] = [];
    const held = () => lanes.map(({ claim }) => claim);
    const link = new WriterLink(linkOptions(config), { held }, log);
    closers.add(() => link.close());
    const session = await link.session(signal);
    lanes.push(...(await claimLanes(db, session, replay)));
    closers.add(() => releaseLanes(link, lanes));
    await parts.onClaimed?.();

    const topicReader = await TopicReader.connect(config.kafka, {
      topic: replay.topic,
      reader: config.recordReader,
      bufferBytes: config.fetchBufferMaxBytes,
      onNotice: (notice) => log.warn({ notice }, 'kafka client'),
    });
    closers.add(() => topicReader.close());
    const batch = new ReplayBatch(config.batchMaxEvents);
    const companion = new ReplayAdvancer(batch);
    const committer = new BatchCommitter(
      { link, dedup: NOTHING_TO_PREDICT, companion, metrics, log },
      config,
    );
    committer.horizonMs = (await readWriteGuards(session)).horizonMs;
    const reader = new RangeReader(topicReader, admin, replay);
    const replayer = new Replayer(
      { db, link, committer, reader, batch, onProgress },
      {
        batchMax: config.batchMaxEvents,
        rate,
        lagMaxRecords: config.lagMaxRecords,
        topic: replay.topic,
        limits: {
          maxValueBytes: config.recordMaxBytes,
          maxDepth: config.jsonMaxDepth,
          readAsNewest: config.readAsNewest,
        },
      },
      signal,
    );
    const outcome = await replayer.run(lanes);
    if (outcome === 'done') await endReplay(db, replay.runId);
    return outcome;
  } finally {
    await closers.closeAll();
  }
}

/** Claims every partition, then reads where each stands: nobody else can move it any more. */
async function claimLanes(
  db: Database,
  session: WriterSession,
  { runId }: Replay,
): Promise<Lane[]> {
  const claims = await claimWhenFree(session, runId);
  const { partitions } = await readReplay(db, runId);
  return partitions.map((partition) => {
    const claim = claims.find(({ sourceId }) => sourceId === partition.sourceId);
    if (claim?.nextPosition !== partition.written) {
      throw new Error(`replay source ${partition.sourceId} does not stand where its run says`);
    }
    return laneOf(partition, claim.epoch);
  });
}

async function claimWhenFree(session: WriterSession, runId: bigint): Promise<ReplayClaim[]> {
  const deadlineMs = performance.now() + BUSY_FOR_MS;
  for (;;) {
    try {
      return await claimReplay(session, runId, `${hostname()}/${process.pid}`);
    } catch (error) {
      if (!(error instanceof ReplayBusy)) throw error;
      if (performance.now() > deadlineMs) throw new RefusedError(error.message);
      await sleep(BUSY_POLL_MS);
    }
  }
}

/** An orderly goodbye, so that a resume need not wait until the server notices. */
async function releaseLanes(link: WriterLink, lanes: readonly Lane[]): Promise<void> {
  if (!link.isConnected) return;
  await releaseSources(
    await link.session(AbortSignal.timeout(0)),
    lanes.map(({ claim }) => claim),
  );
}

function linkOptions(config: ReplayConfig) {
  return {
    databaseUrl: config.databaseUrl,
    applicationName: 'adtally-backfill-runner replay',
    lockTimeoutMs: config.lockTimeoutMs,
    statementTimeoutMs: config.statementTimeoutMs,
    connectTimeoutMs: CONNECT_TIMEOUT_MS,
  };
}

import { hostname } from 'node:os';
import { readWriteGuards, releaseSources, type Database, type WriterSession } from '@adtally/db';
import { createDeduplicator } from '@adtally/dedup';
import { TopicReader, type KafkaAdmin } from '@adtally/kafka';
import { pause } from '@adtally/pacing';
import { BatchCommitter, WriterLink, type CommitMetrics } from '@adtally/pipeline';
import { Closers } from '@adtally/service';
import type { Logger } from '@adtally/telemetry';
import type { ReplayConfig } from '../replay-env.ts';
import { laneOf, type Lane } from './lane.ts';
import { patiently } from './patiently.ts';
import { RangeReader } from './range-reader.ts';
import { ReplayAdvancer } from './replay-advancer.ts';
import { ReplayBatch } from './replay-batch.ts';
import type { ReplayBoard } from './replay-board.ts';
import type { ReplayPace } from './replay-pace.ts';
import { Replayer } from './replayer.ts';
import { claimPartition } from './runs/claim-partition.ts';
import { isPassed, readReplay, type Replay } from './runs/find-replays.ts';

const CONNECT_TIMEOUT_MS = 10_000;
/** How soon what another worker gave back is taken up. */
const LOOK_AGAIN_MS = 250;
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

export interface WorkerParts {
  readonly db: Database;
  readonly admin: KafkaAdmin;
  readonly config: ReplayConfig;
  readonly metrics: CommitMetrics;
  readonly log: Logger;
  readonly pace: ReplayPace;
  readonly board: ReplayBoard;
  /** Bytes of the topic fetched and not yet in a batch. */
  readonly bufferBytes: number;
  readonly signal: AbortSignal;
}

export type WorkOutcome = 'done' | 'cancelled' | 'interrupted';

/**
 * One worker: claims a partition of the run that nobody holds, passes it, claims the next. Its session is what
 * holds the claim, so that whatever ends it gives the partition back. Returns once nothing of the range is left,
 * whoever passed it.
 *
 * @throws ReplayStopped where it cannot go on
 */
export async function workLanes(replay: Replay, parts: WorkerParts): Promise<WorkOutcome> {
  const { db, config, log, pace, board, signal } = parts;
  const closers = new Closers(log);
  try {
    let lane: Lane | null = null;
    const held = () => (lane === null ? [] : [lane.claim]);
    const link = new WriterLink(linkOptions(config), { held }, log);
    closers.add(() => link.close());
    const replayer = await openReplayer(replay, link, parts, closers);
    while (await pace.mayGoOn(signal)) {
      if (signal.aborted) return 'interrupted';
      lane = await patiently('claiming a partition', signal, async () =>
        claimLane(db, await link.session(signal), replay.runId),
      );
      if (lane === null) {
        const known = await patiently('reading the replay', signal, () =>
          readReplay(db, replay.runId),
        );
        if (isPassed(known)) return 'done';
        board.learn(known);
        board.waits('other workers');
        await pause(LOOK_AGAIN_MS, signal);
        continue;
      }
      board.took();
      const outcome = await replayer.pass(lane).finally(() => {
        board.gave();
        return release(link, held());
      });
      if (outcome === 'lost')
        log.warn({ partition: lane.partition }, 'another worker has taken it over');
      lane = null;
      if (outcome === 'cancelled' || outcome === 'interrupted') return outcome;
    }
    return 'cancelled';
  } finally {
    await closers.closeAll();
  }
}

async function openReplayer(
  replay: Replay,
  link: WriterLink,
  { db, admin, config, metrics, log, pace, board, bufferBytes, signal }: WorkerParts,
  closers: Closers,
): Promise<Replayer> {
  const topicReader = await TopicReader.connect(config.kafka, {
    topic: replay.topic,
    reader: config.recordReader,
    bufferBytes,
    onNotice: (notice) => log.warn({ notice }, 'kafka client'),
  });
  closers.add(() => topicReader.close());
  const batch = new ReplayBatch(config.batchMaxEvents);
  const committer = new BatchCommitter(
    { link, dedup: NOTHING_TO_PREDICT, companion: new ReplayAdvancer(batch), metrics, log },
    config,
  );
  committer.horizonMs = (await readWriteGuards(await link.session(signal))).horizonMs;
  const reader = new RangeReader(topicReader, admin, replay, log);
  const limits = {
    maxValueBytes: config.recordMaxBytes,
    maxDepth: config.jsonMaxDepth,
    readAsNewest: config.readAsNewest,
  };
  return new Replayer(
    { db, link, committer, reader, batch, pace, board },
    { batchMax: config.batchMaxEvents, topic: replay.topic, limits },
    signal,
  );
}

/** Claims a partition, then reads where it stands: nobody else can move it any more. */
async function claimLane(
  db: Database,
  session: WriterSession,
  runId: bigint,
): Promise<Lane | null> {
  const claim = await claimPartition(session, runId, `${hostname()}/${process.pid}`);
  if (claim === null) return null;
  const { partitions } = await readReplay(db, runId);
  const partition = partitions.find(({ sourceId }) => sourceId === claim.sourceId);
  if (partition?.written !== claim.nextPosition) {
    throw new Error(`replay source ${claim.sourceId} does not stand where its run says`);
  }
  return laneOf(partition, claim.epoch);
}

/** An orderly goodbye, so that nobody need wait until the server notices. */
async function release(link: WriterLink, claims: readonly Lane['claim'][]): Promise<void> {
  if (!link.isConnected) return;
  try {
    await releaseSources(await link.session(AbortSignal.timeout(0)), claims);
  } catch {
    // The end of the session gives them back: later, and as surely.
  }
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

import { buildVersion } from '@adtally/config';
import type { Database } from '@adtally/db';
import type { KafkaAdmin } from '@adtally/kafka';
import { Abandoned } from '@adtally/pacing';
import { COMMIT_METRICS } from '@adtally/pipeline';
import { createMetrics, type Logger } from '@adtally/telemetry';
import type { ReplayConfig } from '../replay-env.ts';
import { ReplayBoard, type ReplayProgress } from './replay-board.ts';
import { ReplayPace } from './replay-pace.ts';
import { workLanes, type WorkOutcome } from './replay-worker.ts';
import type { Replay } from './runs/find-replays.ts';
import { endReplay } from './runs/order-replay.ts';

const BUFFER_BYTES_MIN = 1_024 * 1_024;

export interface WorkReplayParts {
  readonly db: Database;
  readonly admin: KafkaAdmin;
  readonly config: ReplayConfig;
  readonly log: Logger;
  readonly onProgress: (progress: ReplayProgress) => void;
  /** Ends it after the batches in hand; it can be resumed. */
  readonly signal: AbortSignal;
}

export interface WorkReplayOptions {
  /** Partitions that this process reads at a time, each by a session and a reader of its own. */
  readonly parallelism: number;
  /** Records a second, over all workers of this process; null = as fast as it goes. */
  readonly rate: number | null;
}

/**
 * Works a replay off from where it stands, beside any other process that does.
 *
 * @throws RefusedError where there is no such run (any more)
 * @throws ReplayStopped where it cannot go on
 */
export async function workReplay(
  replay: Replay,
  { parallelism, rate }: WorkReplayOptions,
  { db, admin, config, log, onProgress, signal }: WorkReplayParts,
): Promise<WorkOutcome> {
  const metrics = createMetrics({
    service: 'backfill-runner',
    version: buildVersion(new URL('../../package.json', import.meta.url)),
    definitions: COMMIT_METRICS,
  });
  const failing = new AbortController();
  const board = new ReplayBoard(onProgress);
  board.learn(replay);
  const { runId } = replay;
  const parts = {
    db,
    admin,
    config,
    metrics,
    log,
    board,
    pace: new ReplayPace(db, { runId, rate, lagMaxRecords: config.lagMaxRecords }, board),
    bufferBytes: Math.max(BUFFER_BYTES_MIN, Math.floor(config.fetchBufferMaxBytes / parallelism)),
    signal: AbortSignal.any([signal, failing.signal]),
  };
  // More would only wait: a partition is one worker's.
  const workers = Math.min(parallelism, replay.partitions.length);
  try {
    const outcomes = await Promise.allSettled(
      Array.from({ length: workers }, async () => {
        try {
          return await workLanes(replay, parts);
        } catch (error) {
          if (error instanceof Abandoned) return 'interrupted';
          // The others commit what they have in hand.
          failing.abort();
          throw error;
        }
      }),
    );
    const failed = outcomes.find(({ status }) => status === 'rejected');
    if (failed?.status === 'rejected') throw failed.reason;
    const reached = outcomes.map((one) => (one.status === 'fulfilled' ? one.value : 'interrupted'));
    if (reached.includes('cancelled')) return 'cancelled';
    if (reached.includes('interrupted')) return 'interrupted';
    await endReplay(db, runId);
    return 'done';
  } finally {
    await metrics.shutdown();
  }
}

import type { Stage } from './world.ts';
import { alerterStage } from './worlds/alerter.ts';
import { backfillStage, resumedStage, watchStage } from './worlds/backfill.ts';
import { commitStage } from './worlds/commit.ts';
import { replayStage, resumedReplayStage } from './worlds/replay.ts';
import { reprocessorStage } from './worlds/reprocessor.ts';
import { retentionStage } from './worlds/retention.ts';

/** Whoever adds a protocol adds a stage that passes its places, and its files to `PROTOCOL_FILES`. */
export const STAGES: readonly Stage[] = [
  commitStage,
  reprocessorStage,
  alerterStage,
  watchStage,
  backfillStage,
  resumedStage,
  replayStage,
  resumedReplayStage,
  retentionStage,
];

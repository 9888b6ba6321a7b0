export { BatchTracing, tellCounts } from './batch-tracing.ts';
export { type Admission, UNLIMITED, AdmitAll } from './admission.ts';
export { BatchCommitter } from './batch-committer.ts';
export type { CommitOutcome } from './commit-attempt.ts';
export { BatchFiller } from './batch-filler.ts';
export { type SourceSpan, BatchWork } from './batch-work.ts';
export { ClaimPreparation } from './claim-preparation.ts';
export { type ClassifyRules, classify, readBy } from './classify.ts';
export { type CommitCompanion } from './commit-companion.ts';
export { compareClaim } from './compare-claim.ts';
export { CursorWatch } from './cursor-watch.ts';
export { deadLetterOf, DeadLetterSender } from './dead-letters.ts';
export { IngestLoop } from './ingest-loop.ts';
export { type Beside, type LoopWiring, LoopService } from './loop-service.ts';
export {
  CLAIM_METRICS,
  COMMIT_METRICS,
  LOOP_METRICS,
  REDIS_METRICS,
  type ClaimMetrics,
  type CommitMetrics,
  type LoopMetrics,
  type RedisMetrics,
} from './metrics.ts';
export { type Misrouting, misroutingOf } from './misrouting.ts';
export { type Connections, openConnections } from './open-connections.ts';
export { type OwnedPartition, Ownership } from './ownership.ts';
export { isPassing } from './passing-errors.ts';
export { PartitionClaims } from './partition-claims.ts';
export { sessionCheck } from './session-check.ts';
export { type Loop, sideBySide } from './side-by-side.ts';
export { type SourceClaim } from './source-claim.ts';
export { HindranceWatch } from './reports/hindrance-watch.ts';
export { HoldUps } from './reports/hold-ups.ts';
export { PartitionReporter } from './reports/partition-reporter.ts';
export { Servers } from './servers.ts';
export { toldLag } from './reports/told-lag.ts';
export { countHeartbeats } from './reports/count-heartbeats.ts';
export { ThrottleWatch } from './reports/throttle-watch.ts';
export type { StartAt } from './start-at.ts';
export { ReadMarks } from './read-marks.ts';
export { TopicWatch } from './topic-watch.ts';
export { reasonOf, WaitingError, type WaitReason } from './wait-reason.ts';
export { type HeldSources, WriterLink } from './writer-link.ts';

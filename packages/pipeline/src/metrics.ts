import {
  DURATION_SECONDS,
  LATENCY_SECONDS,
  type Instruments,
  type MetricDefinitions,
} from '@adtally/telemetry';
import { TOPIC_METRICS } from '@adtally/kafka';
import { GONE_BACK } from './compare-claim.ts';

/** The commit protocol at work, told by every process that commits batches. */
export const COMMIT_METRICS = {
  batchWriteSeconds: {
    name: 'adtally_batch_write_duration_seconds',
    kind: 'histogram',
    help: 'From BEGIN to the answer to COMMIT, of batches that committed.',
    labels: {},
    buckets: DURATION_SECONDS,
  },
  routedEvents: {
    name: 'adtally_routed_events_total',
    kind: 'counter',
    help: 'Valid events by what Redis said of their keys: new (`fast`), perhaps stored already (`verified`), or it was not asked (`unasked`).',
    labels: { route: ['fast', 'verified', 'unasked'] },
  },
  copyFallbacks: {
    name: 'adtally_copy_fallbacks_total',
    kind: 'counter',
    help: 'Batches whose COPY met a key that was stored already, written again the verified way.',
    labels: {},
  },
  fenced: {
    name: 'adtally_fenced_total',
    kind: 'counter',
    help: 'Partitions found claimed by somebody else at commit; nothing of theirs was written.',
    labels: {},
  },
  ambiguousCommits: {
    name: 'adtally_ambiguous_commits_total',
    kind: 'counter',
    help: 'Commits whose answer was lost, by partition and by what the cursor then said.',
    labels: { resolution: ['committed', 'retried', 'fenced'] },
  },
  databaseErrors: {
    name: 'adtally_database_errors_total',
    kind: 'counter',
    help: 'Failed transactions by how they are treated.',
    labels: { class: ['outcome_unknown', 'transient', 'refused', 'data', 'fatal'] },
  },
} as const satisfies MetricDefinitions;

/** Redis, where keys are looked up in it: it only routes, so these cost speed and never a count. */
export const REDIS_METRICS = {
  redisFailures: {
    name: 'adtally_redis_failures_total',
    kind: 'counter',
    help: 'Batches for which Redis gave no answer, or marks it did not take.',
    labels: { operation: ['route', 'mark'], kind: ['error', 'timeout', 'skipped'] },
  },
} as const satisfies MetricDefinitions;

/** What is remembered of claims, compared with the database; told by every process that holds some. */
export const CLAIM_METRICS = {
  claimsLost: {
    name: 'adtally_claims_lost_total',
    kind: 'counter',
    help: 'Claims that a database which went back did not hold any more, by how that showed; claimed again.',
    labels: { reason: GONE_BACK },
  },
  databaseBehindOffsets: {
    name: 'adtally_database_behind_offsets_total',
    kind: 'counter',
    help: 'Offsets that were committed and that the database did not know any more: read and counted again.',
    labels: {},
  },
} as const satisfies MetricDefinitions;

/** Partitions, told by every process that reads a topic by the loop. */
export const LOOP_METRICS = {
  ...CLAIM_METRICS,
  ...TOPIC_METRICS,
  ownedPartitions: {
    name: 'adtally_owned_partitions',
    kind: 'gauge',
    help: 'Partitions this process has claimed.',
    labels: {},
  },
  partitionHalted: {
    name: 'adtally_partition_halted',
    kind: 'gauge',
    help: '1 while a partition waits for an operator; the series goes away when it moves on.',
    labels: { partition: 'open', reason: 'open' },
  },
  lastCommitTimestampSeconds: {
    name: 'adtally_last_commit_timestamp_seconds',
    kind: 'gauge',
    help: 'Unix time of the last committed batch; 0 before the first.',
    labels: {},
  },
  throttledSeconds: {
    name: 'adtally_throttled_seconds_total',
    kind: 'counter',
    help: 'Time for which quotas of the brokers held our clients back, as the brokers told it.',
    labels: { client: ['consumer', 'producer'] },
  },
  groupHeartbeatsUnanswered: {
    name: 'adtally_group_heartbeats_unanswered_total',
    kind: 'counter',
    help: "Heartbeats that the group's coordinator did not answer in time; with KIP-848 only.",
    labels: {},
  },
  groupRejoins: {
    name: 'adtally_group_rejoins_total',
    kind: 'counter',
    help: 'Times the group was joined again, since it assigned other partitions than this member knew of.',
    labels: { reason: ['answer_lost'] },
  },
  handoverSeconds: {
    name: 'adtally_handover_seconds',
    kind: 'histogram',
    help: 'From the assignment of partitions to the first commit on them.',
    labels: {},
    buckets: LATENCY_SECONDS,
  },
} as const satisfies MetricDefinitions;

export type CommitMetrics = Instruments<typeof COMMIT_METRICS>;
export type RedisMetrics = Instruments<typeof REDIS_METRICS>;
export type ClaimMetrics = Instruments<typeof CLAIM_METRICS>;
export type LoopMetrics = Instruments<typeof LOOP_METRICS>;

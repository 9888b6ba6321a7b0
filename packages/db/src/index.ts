export { ADVISORY_LOCK_CLASS, ADVISORY_LOCKS } from './advisory-locks.ts';
export { noteReadMarks, type ReadMark } from './read-marks.ts';
export {
  type ReadingLimits,
  type ToldLimits,
  tellReadingLimits,
  toldReadingLimits,
} from './reading-limits.ts';
export {
  type ExtraCheck,
  type AuditOffence,
  type AuditCheckResult,
  type AuditReport,
  type OnCheck,
  auditDatabase,
} from './audit/audit.ts';
export { auditRecent } from './audit/recent.ts';
export { auditSince, type SinceReport } from './audit/since.ts';
export { auditAgeMs, type AuditResult, auditResults, recordAudit } from './audit/results.ts';
export { type JsonInteger, jsonInteger } from './audit/json-integer.ts';
export { type ClaimObstacle, clearTheWay } from './claim-obstacles.ts';
export {
  type HeldSource,
  type Claim,
  SourceGone,
  claimSource,
  claimSources,
  adoptSources,
  releaseSources,
  haltSource,
} from './claims.ts';
export { databaseCertificateFiles } from './address/certificate-files.ts';
export { databaseCheck } from './check-connection.ts';
export { askDatabase, withDatabase } from './command-database.ts';
export {
  withDatabaseName,
  createDatabase,
  dropDatabase,
  databaseExists,
} from './create-database.ts';
export { type Database, type DatabaseExecutor, openDatabase, cutConnections } from './database.ts';
export { referToDeadLetters, keepDeadLetters } from './dead-letter-refs.ts';
export { int8Array, int4Array, bytesArray, BYTEA_OID, UUID_OID, textsOf } from './encode-arrays.ts';
export { databaseNowMs } from './database-now.ts';
export { inBoundedStep } from './bounded-step.ts';
export { CopySession } from './copy-session.ts';
export { CopyEncoder } from './encode-copy.ts';
export { type EventDay, eventDay } from './event-days.ts';
export { firingKeys } from './firing-alerts.ts';
export { callGroup, type GroupCalls, sayGoodbye } from './group-calls.ts';
export { type Frontier } from './late-notes.ts';
export { type SourceRange, type SourceCounts } from './ledger-counts.ts';
export { type MigrationResult, migrate } from './migrate.ts';
export {
  type NotificationRequest,
  requestNotification,
  type WaitingRequest,
  takeNotificationRequests,
} from './notification-requests.ts';
export {
  type Operator,
  orderRun,
  recordAction,
  requireSigned,
  type RunOrder,
} from './operator-actions.ts';
export {
  type ObservedLag,
  type PartitionLag,
  type SourcePosition,
  type Stuck,
  LAG_STALE_MS,
  readLag,
  replaceLag,
  shownLag,
  sourcePositions,
} from './partition-lag.ts';
export {
  type FreshReport,
  type PartitionReport,
  type Reporter,
  replaceReports,
  takeFreshReports,
} from './partition-reports.ts';
export {
  countMissingDays,
  type EnsureDayPartitionsResult,
  type UnmadeDay,
  ensureDayPartitions,
} from './partitions.ts';
export { type WriteFailure, WriteError, isTransientError } from './pg-errors.ts';
export { probeRows, takesRows } from './probe-rows.ts';
export { keyBytes, appendMsOf, encodeHeaders, decodeHeaders, recordHash } from './record-hash.ts';
export {
  type RegisteredPartition,
  type RegisterTopicRequest,
  KnownSources,
  registerTopic,
  registerRetries,
  insertSource,
} from './register-topic.ts';
export {
  SUPPORTED_SCHEMA_VERSION,
  schemaVersion,
  checkSchema,
  requireSchema,
} from './schema-version.ts';
export { type DayArchive, type RetiredCount, type RetiredDay } from './retention/day-archive.ts';
export {
  type DropDaysOptions,
  type DropDaysResult,
  type DroppedDay,
  dropDays,
  horizonFor,
} from './retention/drop-days.ts';
export { foldLedger } from './retention/fold-ledger.ts';
export { leadingRetention, type StillLeads } from './retention/leading.ts';
export {
  retiredCounts,
  rollupsNeedBefore,
  type Wait,
  type WaitingDay,
  waitingDays,
} from './retention/retired-days.ts';
export {
  beginTimelessPass,
  isOldEnough,
  newestTimelessPass,
  noteTimelessPosition,
  purgedTimeless,
  purgeTimeless,
  readTimelessPage,
  type TimelessPass,
} from './retention/timeless-passes.ts';
export { databaseFailure, databaseFailureAtWork } from './server-failure.ts';
export { ROLES } from './roles/rights.ts';
export { rolesScriptFor } from './roles/print-script.ts';
export { type Schema } from './schema.ts';
export { type NotificationKind } from './schema/alerting.ts';
export {
  DEAD_LETTER_STATES,
  type DeadLetterState,
  type RedriveJobState,
} from './schema/letters.ts';
export type { ReplayOrdered } from './schema/replays.ts';
export { WAITS, type WaitFor } from './schema/retention.ts';
export { type BackfillState, COHORT_MS, type RollupByCampaignTable } from './schema/rollups.ts';
export {
  type ServiceProcess,
  type ServiceState,
  PROCESS_SILENT_MS,
  sayEnded,
  sayLives,
  takeServiceStates,
} from './service-processes.ts';
export {
  type Standing,
  type StandingPartition,
  standingPartitions,
} from './standing-partitions.ts';
export {
  readCursors,
  type SourceStatus,
  type Successor,
  listSources,
  type AcceptLossRequest,
  type AcceptLossResult,
  acceptLoss,
  lossToAccept,
  noteKnownEnds,
} from './sources.ts';
export { WRITTEN_COLUMNS, WRITTEN_COLUMN_LIST } from './table-columns.ts';
export {
  type ListedMisrouting,
  type MisroutedRecords,
  listMisrouting,
  noteMisrouted,
  OTHER_SOURCES,
} from './misrouted-sources.ts';
export {
  type ListedTopicRules,
  type TopicRulesSet,
  listTopicRules,
  NoEventsTopic,
  noteTopicRules,
  readTopicRules,
  setTopicRules,
  topicRulesOf,
  type TopicRulesRow,
} from './topic-rules.ts';
export { readTopicShares, ShareDiffers, type TopicShare } from './topic-shares.ts';
export {
  type WriteOptions,
  type WrittenRows,
  rehearseBatch,
  rejectedRows,
  writeBatch,
} from './write-batch.ts';
export { type Trust } from './write-events.ts';
export { type WriteGuards, readWriteGuards } from './write-guards.ts';
export { type WriterSessionOptions, WriterSession } from './writer-session.ts';

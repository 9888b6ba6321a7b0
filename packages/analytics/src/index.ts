export {
  type Adjustment,
  type AdjustmentFilter,
  type Booking,
  bookAdjustment,
  listAdjustments,
  readUndoable,
  undoAdjustment,
} from './adjustments.ts';
export { applyLate } from './apply-late.ts';
export {
  type Backfill,
  startBackfill,
  listBackfills,
  readBackfill,
  orderBackfill,
} from './backfills.ts';
export { type CohortRange, claimToFrontier } from './bases.ts';
export { type CampaignTotalsRow, readCampaignTotals } from './campaign-totals.ts';
export { COHORT_MS, lastCohortBefore, cohortAt, cohortStartMs } from './cohorts.ts';
export { compareVersions } from './compare-versions.ts';
export {
  type Conflict,
  type ConflictFilter,
  type EventValues,
  countConflicts,
  findConflicts,
  noteReveal,
} from './conflicts.ts';
export {
  ALGORITHMS,
  type RollupDefinition,
  NAIVE_DEFINITION,
  DEFAULT_DEFINITION,
  readDefinitions,
} from './definitions.ts';
export type { Asked } from './figures/asked.ts';
export {
  type EventClass,
  type FigureMeasure,
  classesOf,
  classWords,
  measuresOf,
} from './figures/classes.ts';
export { type EventPlace, type FigureEvent, readEvents } from './figures/read-events.ts';
export {
  type Cut,
  type FigureRow,
  type Figures,
  CUTS,
  readFigures,
} from './figures/read-figures.ts';
export {
  type CountLine,
  type LineKey,
  type MoneyLine,
  type Report,
  readReport,
} from './figures/report.ts';
export { type Standing, readStanding, staleness } from './figures/standing.ts';
export { inSnapshot } from './snapshot.ts';
export { restoredDays } from './stored-events.ts';
export {
  type ClassCount,
  addedUp,
  classCounts,
  conversionsOf,
  quotient,
  rate,
  storedEvents,
  valueOf,
} from './figures/summary.ts';
export { raiseFrontier } from './frontier.ts';
export { type FoldOptions, type FoldedBases, foldNext } from './fold/fold-bases.ts';
export { type FoldedTurn, foldRollups } from './fold/fold-rollups.ts';
export { readIngestLag } from './ingest-lag.ts';
export { type KeptTurn, keepRollups } from './keep-rollups.ts';
export { KINDS, type EventKind, COUNTS, MEASURES } from './measures.ts';
export {
  type Bucket,
  type Period,
  daysOf,
  hoursOf,
  isOnUtcHours,
  month,
  monthPeriod,
  periodBound,
  periodOf,
  rfc3339,
  timeZone,
} from './period.ts';
export { type TimeRange, type BackfillPlan, planBackfill } from './plan-backfill.ts';
export { type RollupNeed, readRollupNeeds, rollupNeedText } from './rollup-needs.ts';
export { type Rollup, ROLLUPS } from './rollups.ts';
export { wholeAudit } from './whole-audit.ts';
export { takeNextBase } from './take-base.ts';
export { readTakenOver, type TakenOver, takenOverText } from './taken-over.ts';
export {
  RefusedError,
  registerVersion,
  ensureSomeVersion,
  type Promotion,
  readPromotion,
  promote,
  rollback,
} from './versions.ts';
export { type BackfillProgress, type BackfillOutcome, workBackfill } from './work-backfill.ts';
export {
  correctStatement,
  issueStatement,
  readStatement,
  type ReadStatement,
  renderStatement,
  RollupsDisagree,
  type Statement,
  STATEMENT_SCHEMA,
  type StatementFigures,
  type StatementRequest,
  UnreadableStatement,
  verifyStatement,
} from './statement/index.ts';
export {
  purgeTimelessEvents,
  type PurgeTimelessResult,
  timelessLimitMs,
} from './timeless/purge-timeless.ts';

import { BACKFILL_RUNNER } from './backfill-runner.ts';
import type { Board } from './board.ts';
import { DEAD_QUEUE_ALERTER } from './dead-queue-alerter.ts';
import { DEPLOYS } from './deploys.ts';
import { DLQ_REPROCESSOR } from './dlq-reprocessor.ts';
import { INGEST_CONSUMER } from './ingest-consumer.ts';
import { OVERVIEW } from './overview.ts';

export { dashboardOf, type Board } from './board.ts';
export type { PanelSpec } from './panel.ts';

/** Every dashboard of infra/grafana. */
export const BOARDS: readonly Board[] = [
  OVERVIEW,
  INGEST_CONSUMER,
  DLQ_REPROCESSOR,
  DEAD_QUEUE_ALERTER,
  BACKFILL_RUNNER,
  DEPLOYS,
];

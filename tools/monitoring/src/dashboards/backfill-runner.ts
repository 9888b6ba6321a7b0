import type { Board } from './board.ts';
import { processPanels } from './process-panels.ts';

export const BACKFILL_RUNNER: Board = {
  name: 'backfill-runner',
  title: 'Adtally: backfill-runner',
  description: 'How fresh the rollups are, and what keeps them.',
  rows: {
    Freshness: [
      {
        kind: 'lines',
        title: 'Newest cohort',
        description:
          'Since the end of the newest half minute that reports show: about 90 s plus some when healthy.',
        unit: 's',
        queries: { seconds: 'max(adtally_rollup_newest_cohort_seconds)' },
      },
      {
        kind: 'lines',
        title: 'Oldest note of late events',
        description: 'Seconds; grows where late events come faster than they are applied.',
        unit: 's',
        queries: { seconds: 'max(adtally_rollup_oldest_note_seconds)' },
      },
      {
        kind: 'lines',
        title: 'Frontier',
        description: 'How far behind now impressions are summed up.',
        unit: 's',
        queries: { seconds: 'time() - (max(adtally_rollup_frontier_timestamp_seconds) > 0)' },
      },
      {
        kind: 'lines',
        title: 'What waits',
        description: 'Notes of late events, and bases that are claimed and not taken.',
        unit: 'short',
        queries: {
          notes: 'max(adtally_rollup_waiting_notes)',
          bases: 'max(adtally_rollup_waiting_bases)',
        },
      },
    ],
    Work: [
      {
        kind: 'lines',
        title: 'Events summed up',
        description: 'A second, in bases.',
        unit: 'cps',
        queries: { events: 'sum(rate(adtally_rollup_base_events_total[$__rate_interval]))' },
      },
      {
        kind: 'lines',
        title: 'Rows folded',
        description: 'A second, of bases older than the late window.',
        unit: 'cps',
        queries: { rows: 'sum(rate(adtally_rollup_folded_rows_total[$__rate_interval]))' },
      },
      {
        kind: 'lines',
        title: 'Bases to fold',
        description:
          'Older than the late window and not folded yet; stays up where late notes or a backfill hold them back.',
        unit: 'short',
        queries: { bases: 'max(adtally_rollup_unfolded_bases)' },
      },
      {
        kind: 'lines',
        title: 'Late impressions applied',
        description: 'A second, by difference.',
        unit: 'cps',
        queries: {
          impressions: 'sum(rate(adtally_rollup_late_impressions_total[$__rate_interval]))',
        },
      },
      {
        kind: 'lines',
        title: 'One turn of the worker',
        description: '99th percentile.',
        unit: 's',
        queries: {
          p99: 'histogram_quantile(0.99, sum by (le) (rate(adtally_rollup_turn_duration_seconds_bucket[$__rate_interval])))',
        },
      },
      {
        kind: 'lines',
        title: 'Spoiled bases',
        description: 'Taken again since a note came out of order: above 0 a writer has a bug.',
        unit: 'none',
        queries: { bases: 'sum(adtally_rollup_spoiled_bases_total)' },
      },
    ],
    Retention: [
      {
        kind: 'lines',
        title: 'Days that wait to be dropped',
        description: 'By what they wait for; normal for minutes after midnight.',
        unit: 'none',
        queries: { '{{reason}}': 'max by (reason) (adtally_retention_days_waiting)' },
      },
      {
        kind: 'lines',
        title: 'The longest wait',
        description: 'Since the day was found below the horizon.',
        unit: 's',
        queries: { seconds: 'max(adtally_retention_oldest_wait_seconds)' },
      },
      {
        kind: 'lines',
        title: 'Horizon',
        description: 'How far back events are kept.',
        unit: 's',
        onlyWhen: 'EVENTS_RETENTION_DAYS is or was set',
        queries: { kept: 'time() - (max(adtally_retention_horizon_timestamp_seconds) > 0)' },
      },
      {
        kind: 'lines',
        title: 'Dropped',
        description: 'Days, and the events that left with them, in an hour.',
        unit: 'short',
        queries: {
          days: 'sum(increase(adtally_retention_days_dropped_total[1h]))',
          events: 'sum(increase(adtally_retention_rows_purged_total[1h]))',
          'events without a day': 'sum(increase(adtally_retention_timeless_rows_purged_total[1h]))',
          'ledger rows folded': 'sum(increase(adtally_ledger_rows_folded_total[1h]))',
        },
      },
    ],
    Processes: processPanels('backfill-runner'),
  },
};

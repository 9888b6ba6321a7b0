import { of } from './apps.ts';
import type { Board } from './board.ts';
import { processPanels } from './process-panels.ts';

const APP = 'ingest-consumer';

export const INGEST_CONSUMER: Board = {
  name: 'ingest-consumer',
  title: 'Adtally: ingest-consumer',
  description: 'Counting: what comes in, what becomes of it, and what holds it up.',
  rows: {
    Counting: [
      {
        kind: 'lines',
        title: 'Records consumed',
        description: 'Committed records a second, by process.',
        unit: 'cps',
        queries: { '{{instance}}': 'rate(adtally_records_consumed_total[$__rate_interval])' },
      },
      {
        kind: 'lines',
        title: 'Records by outcome',
        description: 'Committed records a second by what became of them.',
        unit: 'cps',
        queries: {
          '{{outcome}}': 'sum by (outcome) (rate(adtally_events_total[$__rate_interval]))',
        },
      },
      {
        kind: 'lines',
        title: 'Dead letters, by code',
        description: 'Rejected records a second: a jump is a producer that changed.',
        unit: 'cps',
        queries: {
          '{{code}}': 'sum by (code) (rate(adtally_dead_letters_total[$__rate_interval])) > 0',
        },
        runbook: 'DlqVolumeSpike',
        onlyWhen: 'records are rejected',
      },
      {
        kind: 'lines',
        title: 'From the broker to the database',
        description: "From the append of a batch's oldest record to its commit.",
        unit: 's',
        queries: {
          p50: 'histogram_quantile(0.5, sum by (le) (rate(adtally_append_to_commit_seconds_bucket[$__rate_interval])))',
          p99: 'histogram_quantile(0.99, sum by (le) (rate(adtally_append_to_commit_seconds_bucket[$__rate_interval])))',
        },
      },
      {
        kind: 'lines',
        title: 'Write of a batch',
        description: 'From BEGIN to the answer to COMMIT.',
        unit: 's',
        queries: {
          p50: `histogram_quantile(0.5, sum by (le) ${of(APP, 'rate(adtally_batch_write_duration_seconds_bucket[$__rate_interval])')})`,
          p99: `histogram_quantile(0.99, sum by (le) ${of(APP, 'rate(adtally_batch_write_duration_seconds_bucket[$__rate_interval])')})`,
        },
      },
      {
        kind: 'lines',
        title: 'Records in a batch',
        description: 'On average: small when there is little to do, large when it catches up.',
        unit: 'short',
        queries: {
          records:
            'sum(rate(adtally_batch_rows_sum[$__rate_interval])) / sum(rate(adtally_batch_rows_count[$__rate_interval]))',
        },
      },
    ],
    Partitions: [
      {
        kind: 'lines',
        title: 'Owned partitions',
        description: 'Claimed by each process; their sum is what all topics have, but for halts.',
        unit: 'none',
        queries: { '{{instance}}': of(APP, 'adtally_owned_partitions') },
        runbook: 'PartitionsStuck',
      },
      {
        kind: 'lines',
        title: 'Since the last commit',
        description: 'By process; grows where nothing comes, too.',
        unit: 's',
        queries: {
          '{{instance}}': `time() - (${of(APP, 'adtally_last_commit_timestamp_seconds')} > 0)`,
        },
      },
      {
        kind: 'lines',
        title: 'Rejection breakers that are open',
        description: 'Partitions that are slowed since too many of their records were rejected.',
        unit: 'none',
        queries: { open: 'sum(adtally_breaker_open)' },
        runbook: 'RejectionBreakerOpen',
      },
      {
        kind: 'lines',
        title: 'Breakers opened',
        description: 'In the last five minutes, by cause.',
        unit: 'none',
        queries: { '{{cause}}': 'sum by (cause) (increase(adtally_breaker_openings_total[5m]))' },
        runbook: 'RejectionBreakerOpen',
      },
      {
        kind: 'lines',
        title: 'Fenced, and claims lost',
        description:
          'Partitions found claimed by somebody else; claims that a database which went back did not hold. Rise outside of deploys: look at the log.',
        unit: 'none',
        queries: {
          fenced: `sum${of(APP, 'increase(adtally_fenced_total[5m])')}`,
          'lost: {{reason}}': `sum by (reason) ${of(APP, 'increase(adtally_claims_lost_total[5m])')}`,
        },
      },
      {
        kind: 'lines',
        title: 'Offsets a database had forgotten',
        description: 'Counted again since the database went back to an earlier state. 0 is good.',
        unit: 'short',
        queries: { offsets: 'sum(increase(adtally_database_behind_offsets_total[5m]))' },
      },
    ],
    'What the database knows': [
      {
        kind: 'lines',
        title: 'Consumer groups that count a topic',
        description:
          '1 is good, 0 where none lives; 2 or more fence each other, at a fraction of the pace.',
        unit: 'none',
        queries: { '{{topic}}': 'max by (topic) (adtally_topic_groups)' },
        runbook: 'PartitionsStuck',
      },
      {
        kind: 'lines',
        title: 'Days that cannot be made',
        description:
          'Their rows go to the default partition: right, but slower to drop and to read.',
        unit: 'none',
        queries: { days: 'max(adtally_event_days_blocked)' },
      },
    ],
    'Kafka, PostgreSQL, Redis': [
      {
        kind: 'lines',
        title: 'Throttled',
        description: 'Seconds a second for which quotas of the brokers hold our clients back.',
        unit: 's',
        queries: {
          '{{client}}': `sum by (client) ${of(APP, 'rate(adtally_throttled_seconds_total[$__rate_interval])')}`,
        },
      },
      {
        kind: 'lines',
        title: 'Heartbeats of the group',
        description:
          'Such as its coordinator did not answer in time, and how often the group was joined again for one.',
        unit: 'none',
        queries: {
          unanswered: `sum${of(APP, 'increase(adtally_group_heartbeats_unanswered_total[5m])')}`,
          'joined again: {{reason}}': `sum by (reason) ${of(APP, 'increase(adtally_group_rejoins_total[5m])')}`,
        },
        runbook: 'PartitionsStuck',
      },
      {
        kind: 'lines',
        title: 'Failed transactions',
        description:
          'A second, by class: transient ones are written again, fatal ones end the process.',
        unit: 'ops',
        queries: {
          '{{class}}': `sum by (class) ${of(APP, 'rate(adtally_database_errors_total[$__rate_interval])')}`,
        },
      },
      {
        kind: 'lines',
        title: 'Commits without an answer',
        description: 'By what the cursor then said. Counts stay right.',
        unit: 'none',
        queries: {
          '{{resolution}}': `sum by (resolution) ${of(APP, 'increase(adtally_ambiguous_commits_total[5m])')}`,
        },
      },
      {
        kind: 'lines',
        title: 'Routes',
        description:
          'Events a second by what Redis said of their keys: new, perhaps stored already, or not asked.',
        unit: 'cps',
        queries: {
          '{{route}}': `sum by (route) ${of(APP, 'rate(adtally_routed_events_total[$__rate_interval])')}`,
        },
      },
      {
        kind: 'lines',
        title: 'Redis without an answer',
        description: 'Batches a second for which Redis said nothing: right, but slower.',
        unit: 'ops',
        queries: {
          '{{operation}} {{kind}}': `sum by (operation, kind) ${of(APP, 'rate(adtally_redis_failures_total[$__rate_interval])')}`,
        },
      },
      {
        kind: 'lines',
        title: 'COPY that met a stored key',
        description:
          'Batches a second written again: a key that Redis said to be new, or was not asked for, was stored already.',
        unit: 'ops',
        queries: {
          fallbacks: `sum${of(APP, 'rate(adtally_copy_fallbacks_total[$__rate_interval])')}`,
        },
      },
      {
        kind: 'lines',
        title: 'Batches whose topic nobody confirmed',
        description: 'Written although no broker said in time which topic it is by now.',
        unit: 'none',
        queries: {
          batches: `sum${of(APP, 'increase(adtally_unconfirmed_batches_total[5m])')}`,
        },
      },
    ],
    'What producers send': [
      {
        kind: 'lines',
        title: 'Misrouted records',
        description: 'A second: another key or partition than theirs. ops producers says who.',
        unit: 'cps',
        queries: { misrouted: 'sum(rate(adtally_misrouted_records_total[$__rate_interval]))' },
      },
      {
        kind: 'lines',
        title: 'Records without a clock',
        description: 'A second: timestamps before 2015 or after 2099, so future goes unchecked.',
        unit: 'cps',
        queries: { clockless: 'sum(rate(adtally_clockless_records_total[$__rate_interval]))' },
      },
      {
        kind: 'lines',
        title: 'Unknown fields',
        description: 'A second, ignored: a producer is ahead of the contract.',
        unit: 'cps',
        queries: { fields: 'sum(rate(adtally_unknown_fields_total[$__rate_interval]))' },
      },
    ],
    Processes: processPanels(APP),
  },
};

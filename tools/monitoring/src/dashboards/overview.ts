import type { Board } from './board.ts';

export const OVERVIEW: Board = {
  name: 'overview',
  title: 'Adtally: overview',
  description: 'Are the counts right, is anything late, who must act?',
  rows: {
    'Is every record accounted for?': [
      {
        kind: 'figure',
        title: 'Consumed',
        description: 'Records of the events topics whose outcome was committed, in the time shown.',
        unit: 'short',
        queries: { consumed: 'round(sum(increase(adtally_records_consumed_total[$__range])))' },
      },
      {
        kind: 'figure',
        title: '= stored + duplicate + conflict + dead-lettered',
        description: 'The same records by outcome. Their sum is what was consumed.',
        unit: 'short',
        queries: {
          '{{outcome}}': 'round(sum by (outcome) (increase(adtally_events_total[$__range])))',
        },
      },
      {
        kind: 'figure',
        title: 'Without an outcome',
        description:
          'Consumed less all outcomes. 0 is good; of processes that were killed the last seconds are not scraped, so a record or two may lack here for a while. The audit is the judge.',
        unit: 'short',
        queries: {
          difference:
            'round(sum(increase(adtally_records_consumed_total[$__range])) - sum(increase(adtally_events_total[$__range])))',
        },
        runbook: 'AuditFailed',
      },
      {
        kind: 'figure',
        title: 'Gaps',
        description:
          'Offsets that hold no record, in the time shown: transaction markers, compaction. Counted only where EVENTS_TOPIC_MAY_HAVE_GAPS says so.',
        unit: 'short',
        queries: { gap: 'round(sum(increase(adtally_gap_offsets_total[$__range])))' },
      },
      {
        kind: 'figure',
        title: 'Lost',
        description:
          'Offsets that operators accepted as lost, ever. Each has a name and a reason in operator_actions.',
        unit: 'short',
        queries: { lost: 'max(adtally_lost_offsets)' },
        runbook: 'PartitionHalted',
      },
      {
        kind: 'figure',
        title: 'Audit: checks that do not hold',
        description: '0 is good. Anything else: bill nothing from this database.',
        unit: 'none',
        queries: { '{{scope}}': 'max by (scope) (adtally_audit_failed_checks)' },
        runbook: 'AuditFailed',
      },
    ],
    'Is anything late?': [
      {
        kind: 'lines',
        title: 'Lag, seconds',
        description: 'Age of the oldest record that is not committed, by topic; 0 when caught up.',
        unit: 's',
        queries: { '{{topic}}': 'max by (topic) (adtally_consumer_lag_seconds)' },
        runbook: 'PartitionsStuck',
      },
      {
        kind: 'lines',
        title: 'Lag, records',
        description: "The topic's end less the cursors, by topic, whoever owns the partitions.",
        unit: 'short',
        queries: { '{{topic}}': 'sum by (topic) (adtally_consumer_lag_records)' },
        runbook: 'PartitionsStuck',
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
        title: 'Events, by outcome',
        description: 'Committed records a second.',
        unit: 'cps',
        queries: {
          '{{outcome}}': 'sum by (outcome) (rate(adtally_events_total[$__rate_interval]))',
        },
      },
      {
        kind: 'lines',
        title: 'Age of the reports',
        description:
          'Since the end of the newest half minute that is summed up: about 90 s plus some when healthy.',
        unit: 's',
        queries: { rollups: 'max(adtally_rollup_newest_cohort_seconds)' },
      },
      {
        kind: 'lines',
        title: 'Age of the audits',
        description: 'Since each scope was last audited. The full one somebody has to run, daily.',
        unit: 's',
        queries: { '{{scope}}': 'time() - max by (scope) (adtally_audit_timestamp_seconds)' },
        runbook: 'AuditFailed',
      },
    ],
    'Who lives, and what stands still?': [
      {
        kind: 'lines',
        title: 'Processes',
        description: 'That said of late that they live, by service; those that stand by too.',
        unit: 'none',
        queries: { '{{service}}': 'max by (service) (adtally_service_processes)' },
      },
      {
        kind: 'lines',
        title: 'Silence',
        description: 'Since a process of the service was last at work.',
        unit: 's',
        queries: {
          '{{service}}': 'time() - max by (service) (adtally_service_heartbeat_timestamp_seconds)',
        },
      },
      {
        kind: 'lines',
        title: 'Stuck partitions',
        description: 'Records wait and the cursor has not moved for 10 s, by reason.',
        unit: 'none',
        queries: {
          '{{topic}} {{reason}}': 'count by (topic, reason) (adtally_partition_stuck == 1)',
        },
        runbook: 'PartitionsStuck',
        onlyWhen: 'a partition is stuck',
      },
      {
        kind: 'lines',
        title: 'Halted partitions',
        description: 'Each waits for an operator.',
        unit: 'none',
        queries: { '{{reason}}': 'count by (reason) (adtally_partition_halted == 1)' },
        runbook: 'PartitionHalted',
        onlyWhen: 'a partition is halted',
      },
      {
        kind: 'lines',
        title: 'Incidents that are open',
        description: 'What people have been told of and is not over.',
        unit: 'none',
        queries: { open: 'max(adtally_incidents_open)' },
      },
      {
        kind: 'lines',
        title: 'Certificates end in',
        description:
          'The first to end of all processes, by server. New files are read while services run.',
        unit: 's',
        queries: {
          '{{server}} {{role}}':
            'min by (server, role) (adtally_certificate_expiry_timestamp_seconds) - time()',
        },
        runbook: 'CertificateEndsSoon',
        onlyWhen: 'a process was given files of certificates',
      },
      {
        kind: 'lines',
        title: 'Letters',
        description: 'Dead letters by state: pending are retried, dead wait for an operator.',
        unit: 'short',
        queries: { '{{state}}': 'max by (state) (adtally_letters)' },
        runbook: 'DlqVolumeSpike',
        onlyWhen: 'a record was ever rejected',
      },
    ],
  },
};

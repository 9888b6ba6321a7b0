import { of } from './apps.ts';
import type { Board } from './board.ts';
import { processPanels } from './process-panels.ts';

const APP = 'dlq-reprocessor';

export const DLQ_REPROCESSOR: Board = {
  name: 'dlq-reprocessor',
  title: 'Adtally: dlq-reprocessor',
  description: 'Dead letters: how many there are, what becomes of them.',
  rows: {
    Letters: [
      {
        kind: 'lines',
        title: 'Letters, by state',
        description: 'Pending are retried, dead wait for an operator.',
        unit: 'short',
        queries: { '{{state}}': 'max by (state) (adtally_letters)' },
        runbook: 'DlqVolumeSpike',
        onlyWhen: 'a record was ever rejected',
      },
      {
        kind: 'lines',
        title: 'Arrivals on the DLQ topic',
        description: 'Records in the last minute, as the alerter judges a spike.',
        unit: 'short',
        queries: { records: 'max(adtally_dlq_arrivals_per_minute)' },
        runbook: 'DlqVolumeSpike',
      },
      {
        kind: 'lines',
        title: 'Taken from the DLQ topic',
        description: 'Records a second: new letters, and further copies of one.',
        unit: 'cps',
        queries: {
          '{{outcome}}': 'sum by (outcome) (rate(adtally_letters_copied_total[$__rate_interval]))',
        },
      },
      {
        kind: 'lines',
        title: 'Tries, by outcome',
        description: 'A second. Failed ones are due again or given up.',
        unit: 'ops',
        queries: {
          '{{outcome}}': 'sum by (outcome) (rate(adtally_retries_total[$__rate_interval]))',
        },
      },
      {
        kind: 'lines',
        title: 'Given up, by code',
        description: 'Letters to the dead topic in the last five minutes, by their last failure.',
        unit: 'short',
        queries: { '{{code}}': 'sum by (code) (increase(adtally_letters_dead_total[5m])) > 0' },
        runbook: 'DeadEventRateHigh',
        onlyWhen: 'letters are given up',
      },
      {
        kind: 'lines',
        title: 'Write of a batch of tries',
        description: 'From BEGIN to the answer to COMMIT.',
        unit: 's',
        queries: {
          p99: `histogram_quantile(0.99, sum by (le) ${of(APP, 'rate(adtally_batch_write_duration_seconds_bucket[$__rate_interval])')})`,
        },
        onlyWhen: 'letters are copied or tried',
      },
    ],
    Partitions: [
      {
        kind: 'lines',
        title: 'Owned partitions of the DLQ topic',
        description: 'Claimed by each process.',
        unit: 'none',
        queries: { '{{instance}}': of(APP, 'adtally_owned_partitions') },
        runbook: 'PartitionsStuck',
      },
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
        title: 'Failed transactions',
        description: 'A second, by class.',
        unit: 'ops',
        queries: {
          '{{class}}': `sum by (class) ${of(APP, 'rate(adtally_database_errors_total[$__rate_interval])')}`,
        },
      },
    ],
    Processes: processPanels(APP),
  },
};

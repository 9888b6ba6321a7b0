import { named } from './apps.ts';
import type { Board } from './board.ts';

export const DEPLOYS: Board = {
  name: 'deploys',
  title: 'Adtally: deploys',
  description:
    'What a restart costs: who drains, which build runs where, how long partitions wait.',
  rows: {
    'Who runs': [
      {
        kind: 'lines',
        title: 'Drain state',
        description: '0 running, 1 draining, 2 drained. 1 for longer than the deadline: it hangs.',
        unit: 'none',
        queries: { '{{service_name}} {{instance}}': named('adtally_drain_state') },
      },
      {
        kind: 'lines',
        title: 'Builds',
        description: 'Processes of each build.',
        unit: 'none',
        queries: {
          '{{service_name}} {{version}}, Node {{node}}': `count by (service_name, version, node) ${named('adtally_build_info')}`,
        },
      },
      {
        kind: 'lines',
        title: 'Processes that live',
        description: 'As they said in the database, by service.',
        unit: 'none',
        queries: { '{{service}}': 'max by (service) (adtally_service_processes)' },
      },
    ],
    'What it costs': [
      {
        kind: 'lines',
        title: 'Hand-over',
        // Not by increase(): a process has few of them, the first with its first scrape, and that one would be missed.
        description:
          'From the assignment of partitions to the first commit on them, all of those that the processes of now have had; on a quiet partition it includes the wait for a record.',
        unit: 's',
        queries: {
          'p50 {{service_name}}': `histogram_quantile(0.5, sum by (le, service_name) ${named('adtally_handover_seconds_bucket')})`,
          'p99 {{service_name}}': `histogram_quantile(0.99, sum by (le, service_name) ${named('adtally_handover_seconds_bucket')})`,
        },
      },
      {
        kind: 'lines',
        title: 'Lag around it',
        description: 'Age of the oldest record that is not committed, by topic.',
        unit: 's',
        queries: { '{{topic}}': 'max by (topic) (adtally_consumer_lag_seconds)' },
        runbook: 'PartitionsStuck',
      },
      {
        kind: 'lines',
        title: 'Fenced',
        description:
          'Partitions found claimed by somebody else, in five minutes: a few at a restart.',
        unit: 'none',
        queries: {
          '{{service_name}}': `sum by (service_name) ${named('increase(adtally_fenced_total[5m])')}`,
        },
      },
      {
        kind: 'lines',
        title: 'Owned partitions',
        description: 'By process: how they move.',
        unit: 'none',
        queries: { '{{service_name}} {{instance}}': named('adtally_owned_partitions') },
      },
      {
        kind: 'lines',
        title: 'Counted meanwhile',
        description: 'Committed records a second.',
        unit: 'cps',
        queries: { records: 'sum(rate(adtally_records_consumed_total[$__rate_interval]))' },
      },
      {
        kind: 'lines',
        title: 'Memory',
        description: 'Resident memory of each process, from its start on.',
        unit: 'bytes',
        queries: { '{{service_name}} {{instance}}': named('process_resident_memory_bytes') },
      },
    ],
  },
};

import type { Board } from './board.ts';
import { processPanels } from './process-panels.ts';

const JOB = 'dead-queue-alerter';

export const DEAD_QUEUE_ALERTER: Board = {
  name: 'dead-queue-alerter',
  title: 'Adtally: dead-queue-alerter',
  description: 'Whether people are told, and of what.',
  rows: {
    Telling: [
      {
        kind: 'lines',
        title: 'Active',
        description: '1 on the instance that reads the dead topic and sends; their sum is 1.',
        unit: 'none',
        queries: { '{{instance}}': 'adtally_alerter_active' },
        runbook: 'DeadAlerterDown',
      },
      {
        kind: 'lines',
        title: 'Since the dead topic was looked at',
        description: 'Seconds, by the clock of PostgreSQL.',
        unit: 's',
        queries: { seconds: 'time() - max(adtally_alerter_heartbeat_timestamp_seconds)' },
        runbook: 'DeadAlerterDown',
      },
      {
        kind: 'lines',
        title: 'Arrivals on the dead topic',
        description: 'In the last minute: more than 5 letters are an incident.',
        unit: 'short',
        queries: { '{{kind}}': 'sum by (kind) (increase(adtally_dead_arrivals_total[1m]))' },
        runbook: 'DeadEventRateHigh',
      },
      {
        kind: 'lines',
        title: 'Incidents that are open',
        description: 'They are listed by ops incidents list.',
        unit: 'none',
        queries: { open: 'max(adtally_incidents_open)' },
      },
      {
        kind: 'lines',
        title: 'Notifications, by sink and outcome',
        description: 'Attempts in the last five minutes; failed ones were given up for good.',
        unit: 'none',
        queries: {
          '{{sink}} {{outcome}}':
            'sum by (sink, outcome) (increase(adtally_notifications_total[5m]))',
        },
      },
      {
        kind: 'lines',
        title: 'Oldest notification that waits',
        description: 'Seconds, by sink: a sink that is away gets everything later.',
        unit: 's',
        queries: { '{{sink}}': 'max by (sink) (adtally_outbox_oldest_waiting_seconds)' },
        onlyWhen: 'a sink was ever told',
      },
      {
        kind: 'lines',
        title: 'Notifications that wait',
        description: 'How many, by sink.',
        unit: 'none',
        queries: { '{{sink}}': 'max by (sink) (adtally_outbox_waiting)' },
        onlyWhen: 'a sink was ever told',
      },
    ],
    Processes: processPanels(JOB),
  },
};

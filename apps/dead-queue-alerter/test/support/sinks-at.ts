import type { Message } from '../../src/incidents/message.ts';
import type { Sink } from '../../src/notify/sink.ts';
import { createSinks, type SinkName } from '../../src/notify/sinks.ts';

export const FIRING: Message = {
  incident: '0192f0c1-2a3b-7c4d-8e5f-60718293a4b5',
  incidentId: 17,
  revision: 1,
  kind: 'firing',
  status: 'firing',
  alert: 'DeadEventRateHigh',
  key: 'ad-events.dead',
  env: 'prod',
  severity: 'page',
  labels: {
    team: 'ads',
    cluster: 'eu1',
    alertname: 'DeadEventRateHigh',
    env: 'prod',
    key: 'ad-events.dead',
    service: 'dead-queue-alerter',
    severity: 'page',
    topic: 'ad-events.dead',
  },
  startsAt: '2026-03-01T12:00:00.000Z',
  endsAt: null,
  detectedLate: false,
  summary: '120 dead letters <!channel> & more',
  causes: [
    'missing field currency, 118 events, source edge-3 (fingerprint 3f9c21aa07be5d44, e.g. ad-events/3@1042)',
    'schema version 4 (this build reads 1), 2 events, source edge-1 and 2 more (e.g. ad-events/0@7)',
  ],
  facts: ['Letters: 120', 'Offsets: partition 0: 1..120'],
  bill: 'Each dead letter is missing.',
  firstCommand: 'ops dead-letters stats --by code,field,version,source --state dead',
  letters: 120,
  runbookUrl: 'https://docs.example/runbooks/DeadEventRateHigh.md',
};
export const RESOLVED: Message = {
  ...FIRING,
  revision: 2,
  kind: 'resolved',
  status: 'resolved',
  endsAt: '2026-03-01T12:09:00.000Z',
};
/** Without a runbook, causes and letters. */
export const WARNING: Message = {
  ...FIRING,
  alert: 'DlqVolumeSpike',
  severity: 'warning',
  letters: null,
  causes: [],
  runbookUrl: null,
};
export const SIGNAL: AbortSignal = new AbortController().signal;

/** Every sink, sending to this address. */
export function sinksAt(url: string, timeoutMs = 2_000): Record<SinkName, Sink> {
  const config = {
    webhookUrl: () => url,
    alertmanagerUrl: () => `${url}/`,
    alertmanagerResendMs: 60_000,
    slackUrl: () => url,
    pagerDutyUrl: () => url,
    pagerDutyRoutingKey: () => 'a-routing-key',
    sinkTimeoutMs: timeoutMs,
  };
  const sinks = createSinks(config);
  return Object.fromEntries(sinks.map((sink) => [sink.name, sink])) as Record<SinkName, Sink>;
}

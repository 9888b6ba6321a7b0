import type { Severity } from '@adtally/alerting';
import { secret, text } from '@adtally/config';
import type { Message } from '../incidents/message.ts';
import { defineSink, sinkUrl } from './define-sink.ts';
import { whereText } from './labels.ts';
import { postJson } from './post-json.ts';
import { shorten } from './shorten.ts';

/** PagerDuty's own limit: a longer one is refused. */
const SUMMARY_MAX = 1_024;

/** Events API v2. Triggers of one incident have one key: PagerDuty pages for the first alone. */
export const pagerDuty = defineSink({
  name: 'pagerduty',
  env: {
    pagerDutyRoutingKey: secret(
      text('PAGERDUTY_ROUTING_KEY', {
        default: '',
        hidden: true,
        maxLength: 200,
        meaning: 'Events API v2',
      }),
    ),
    pagerDutyUrl: sinkUrl('PAGERDUTY_URL', {
      default: 'https://events.pagerduty.com/v2/enqueue',
      meaning: 'where events go',
    }),
  },
  open: ({ pagerDutyUrl, pagerDutyRoutingKey }, timeoutMs) =>
    pagerDutyRoutingKey() === ''
      ? null
      : {
          send: (message, signal) =>
            postJson({
              url: pagerDutyUrl(),
              body: pagerDutyEvent(message, pagerDutyRoutingKey()),
              timeoutMs,
              signal,
            }),
        },
});

const SEVERITY: Readonly<Record<Severity, 'critical' | 'warning'>> = {
  page: 'critical',
  warning: 'warning',
};

function pagerDutyEvent(message: Message, routingKey: string): object {
  const event = { routing_key: routingKey, dedup_key: `adtally/${message.incident}` };
  if (message.status === 'resolved') return { ...event, event_action: 'resolve' };
  const { labels, causes, runbookUrl } = message;
  const what = [`${message.alert} (${message.env}): ${message.summary}`, ...causes.slice(0, 1)];
  return {
    ...event,
    event_action: 'trigger',
    client: 'adtally',
    payload: {
      // The title of the page, and all that a phone shows.
      summary: shorten(what.join(': '), SUMMARY_MAX),
      source: message.key,
      severity: SEVERITY[message.severity],
      timestamp: message.startsAt,
      component: labels['topic'] ?? message.key,
      group: labels['cluster'] ?? message.env,
      class: message.alert,
      custom_details: {
        '1 what': message.summary,
        '2 since': message.startsAt,
        ...(message.letters !== null && { '3 letters': message.letters }),
        ...(causes.length > 0 && { '4 causes': causes }),
        '5 for the bill': message.bill,
        '6 do first': message.firstCommand,
        ...(runbookUrl !== null && { '7 runbook': runbookUrl }),
        '8 where': whereText(message),
        '9 details': message.facts,
        incident_id: message.incidentId,
        detected_late: message.detectedLate,
      },
    },
    ...(runbookUrl !== null && { links: [{ href: runbookUrl, text: `Runbook ${message.alert}` }] }),
  };
}

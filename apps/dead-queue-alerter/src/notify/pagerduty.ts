import { secret, text } from '@adtally/config';
import type { Message } from '../incidents/message.ts';
import { defineSink, sinkUrl } from './define-sink.ts';
import { postJson } from './post-json.ts';

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

function pagerDutyEvent(message: Message, routingKey: string): object {
  const event = { routing_key: routingKey, dedup_key: `adtally/${message.incident}` };
  if (message.status === 'resolved') return { ...event, event_action: 'resolve' };
  return {
    ...event,
    event_action: 'trigger',
    client: 'adtally',
    payload: {
      summary: `${message.alert} (${message.env}): ${message.summary}`.slice(0, SUMMARY_MAX),
      source: message.key,
      severity: 'critical',
      timestamp: message.startsAt,
      component: 'dead-queue-alerter',
      group: message.env,
      class: message.alert,
      custom_details: {
        description: message.description,
        runbook: message.runbookUrl,
        incident_id: message.incidentId,
        detected_late: message.detectedLate,
        ...(message.letters !== null && { letters: message.letters }),
      },
    },
    ...(/^https?:\/\//.test(message.runbookUrl) && {
      links: [{ href: message.runbookUrl, text: 'Runbook' }],
    }),
  };
}

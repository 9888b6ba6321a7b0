import { createHash } from 'node:crypto';
import type { Message } from '../incidents/message.ts';
import { defineSink, sinkUrl } from './define-sink.ts';
import { annotationsOf } from './labels.ts';
import { postJson } from './post-json.ts';

const RECEIVER = 'adtally';
/** How Alertmanager writes that an alert has no end yet. */
const NO_END = '0001-01-01T00:00:00Z';

/** Any receiver of Alertmanager's webhooks, version 4. */
export const webhook = defineSink({
  name: 'webhook',
  env: {
    webhookUrl: sinkUrl('ALERT_WEBHOOK_URL', {
      meaning: "body as Alertmanager's webhook, version 4",
    }),
  },
  open: ({ webhookUrl }, timeoutMs) =>
    webhookUrl() === ''
      ? null
      : {
          send: (message, signal) =>
            postJson({
              url: webhookUrl(),
              timeoutMs,
              signal,
              body: webhookBody(message),
              // The same change again, after an answer that was lost, has the same key.
              headers: { 'idempotency-key': `${message.incident}/${message.revision}` },
            }),
        },
});

function webhookBody(message: Message): object {
  const { labels } = message;
  const annotations = annotationsOf(message);
  const { alertname = '', env = '', key = '' } = labels;
  const groupLabels = { alertname, env, key };
  const groupKey = Object.entries(groupLabels)
    .map(([name, value]) => `${name}=${JSON.stringify(value)}`)
    .join(', ');
  return {
    version: '4',
    groupKey: `{}:{${groupKey}}`,
    truncatedAlerts: 0,
    status: message.status,
    receiver: RECEIVER,
    groupLabels,
    commonLabels: labels,
    commonAnnotations: annotations,
    externalURL: '',
    alerts: [
      {
        status: message.status,
        labels,
        annotations,
        startsAt: message.startsAt,
        endsAt: message.endsAt ?? NO_END,
        generatorURL: '',
        fingerprint: createHash('sha256').update(groupKey).digest('hex').slice(0, 16),
      },
    ],
  };
}

import { durationMs } from '@adtally/config';
import type { Message } from '../incidents/message.ts';
import { defineSink, sinkUrl } from './define-sink.ts';
import { annotationsOf } from './labels.ts';
import { postJson } from './post-json.ts';
import type { SendOutcome } from './sink.ts';

export const alertmanager = defineSink({
  name: 'alertmanager',
  env: {
    alertmanagerUrl: sinkUrl('ALERTMANAGER_URL', { meaning: 'without `/api/v2/alerts`' }),
    // It takes an alert that is not said again (its `resolve_timeout`, 5 min) for resolved.
    alertmanagerResendMs: durationMs('ALERTMANAGER_RESEND_MS', {
      default: 60_000,
      min: 100,
      max: 3_600_000,
      meaning: "below Alertmanager's `resolve_timeout`",
    }),
  },
  open: ({ alertmanagerUrl, alertmanagerResendMs }, timeoutMs) => {
    if (alertmanagerUrl() === '') return null;
    const post = (messages: readonly Message[], signal: AbortSignal): Promise<SendOutcome> =>
      postJson({
        url: `${alertmanagerUrl().replace(/\/+$/, '')}/api/v2/alerts`,
        body: messages.map(alertmanagerAlert),
        timeoutMs,
        signal,
      });
    return {
      send: (message, signal) => post([message], signal),
      refresh: { everyMs: alertmanagerResendMs, send: post },
    };
  },
});

function alertmanagerAlert(message: Message): object {
  return {
    labels: message.labels,
    annotations: annotationsOf(message),
    startsAt: message.startsAt,
    ...(message.endsAt !== null && { endsAt: message.endsAt }),
  };
}

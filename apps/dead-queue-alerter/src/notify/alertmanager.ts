import type { Message } from '../incidents/message.ts';
import { annotationsOf, labelsOf } from './labels.ts';
import { postJson } from './post-json.ts';
import type { SendOutcome, Sink } from './sink.ts';

export interface AlertmanagerOptions {
  /** Where Alertmanager answers, without /api. */
  readonly url: string;
  readonly timeoutMs: number;
  /** It takes an alert that is not said again (its `resolve_timeout`, 5 min) for resolved. */
  readonly resendMs: number;
}

export function alertmanagerSink({ url, timeoutMs, resendMs }: AlertmanagerOptions): Sink {
  const post = (messages: readonly Message[], signal: AbortSignal): Promise<SendOutcome> =>
    postJson({
      url: `${url.replace(/\/+$/, '')}/api/v2/alerts`,
      body: messages.map(alertmanagerAlert),
      timeoutMs,
      signal,
    });
  return {
    name: 'alertmanager',
    send: (message, signal) => post([message], signal),
    refresh: { everyMs: resendMs, send: post },
  };
}

export function alertmanagerAlert(message: Message): object {
  return {
    labels: labelsOf(message),
    annotations: annotationsOf(message),
    startsAt: message.startsAt,
    ...(message.endsAt !== null && { endsAt: message.endsAt }),
  };
}

import { alertmanagerSink } from './alertmanager.ts';
import { pagerDutySink } from './pagerduty.ts';
import type { Sink } from './sink.ts';
import { slackSink } from './slack.ts';
import { webhookSink } from './webhook.ts';

/** Where each kind of sink answers; empty = not used. */
export interface SinkAddresses {
  readonly webhookUrl: string;
  readonly alertmanagerUrl: string;
  readonly alertmanagerResendMs: number;
  readonly slackUrl: string;
  readonly pagerDutyUrl: string;
  readonly pagerDutyRoutingKey: string;
  readonly sinkTimeoutMs: number;
}

export function createSinks(addresses: SinkAddresses): Sink[] {
  const { sinkTimeoutMs: timeoutMs, pagerDutyRoutingKey: routingKey } = addresses;
  const sinks: Sink[] = [];
  if (addresses.webhookUrl !== '') {
    sinks.push(webhookSink({ url: addresses.webhookUrl, timeoutMs }));
  }
  if (addresses.alertmanagerUrl !== '') {
    const resendMs = addresses.alertmanagerResendMs;
    sinks.push(alertmanagerSink({ url: addresses.alertmanagerUrl, timeoutMs, resendMs }));
  }
  if (addresses.slackUrl !== '') sinks.push(slackSink({ url: addresses.slackUrl, timeoutMs }));
  if (routingKey !== '') {
    sinks.push(pagerDutySink({ url: addresses.pagerDutyUrl, routingKey, timeoutMs }));
  }
  return sinks;
}

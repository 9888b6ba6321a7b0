import type { EnvSchema } from '@adtally/config';
import { alertmanager } from './alertmanager.ts';
import { pagerDuty } from './pagerduty.ts';
import type { Sink } from './sink.ts';
import { slack } from './slack.ts';
import { webhook } from './webhook.ts';

/** The only list of sinks: variables, metrics and senders follow from it. */
const SINKS = [webhook, alertmanager, slack, pagerDuty] as const;

export type SinkName = (typeof SINKS)[number]['name'];

/** A sink of the list. */
export type ListedSink = Sink<SinkName>;

export const SINK_NAMES: readonly SinkName[] = SINKS.map(({ name }) => name);

/** The variables of all sinks. What they become concerns the sink alone, hence no types. */
export const SINK_ENV: object = Object.assign({}, ...SINKS.map(({ env }): EnvSchema => env));

/** Those that are configured. `config` holds what `SINK_ENV` declares. */
export function createSinks(config: { readonly sinkTimeoutMs: number }): ListedSink[] {
  return SINKS.map((kind) => kind.open(config, config.sinkTimeoutMs)).filter(
    (sink) => sink !== null,
  );
}

/**
 * A metric that the processes of one app have, and no others: what tells them apart whatever their targets are called.
 */
const OWN_METRIC = {
  'ingest-consumer': 'adtally_records_consumed_total',
  'dlq-reprocessor': 'adtally_letters_copied_total',
  'dead-queue-alerter': 'adtally_alerter_active',
  'backfill-runner': 'adtally_rollup_base_events_total',
} as const;

export type App = keyof typeof OWN_METRIC;

/** Of an expression that several apps have, what the processes of one have. */
export function of(app: App, expression: string): string {
  return `(${expression} and on (job, instance) ${OWN_METRIC[app]})`;
}

/** An expression with the app's name as label `service_name`. */
export function named(expression: string): string {
  return `(${expression} * on (job, instance) group_left (service_name) target_info)`;
}

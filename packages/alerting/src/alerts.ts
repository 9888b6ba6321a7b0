/** `page` = somebody must look now, also at night; `warning` = in working hours. */
export const SEVERITIES = ['page', 'warning'] as const;
export type Severity = (typeof SEVERITIES)[number];

/** What is said of every notification of an alert, whatever it is about. */
export interface AlertDefinition {
  readonly severity: Severity;
  /** What it means for invoices, one sentence; stands in the runbook, too. */
  readonly bill: string;
  /** The command to begin with. */
  readonly firstCommand: (startsAt: Date) => string;
}

/** A cause is at work a little before it is noticed. */
const NOTICED_AFTER_MS = 5 * 60_000;
const STATS = 'ops dead-letters stats --by code,field,version,source';
const statsSince = (startsAt: Date): string =>
  `${STATS} --since ${new Date(startsAt.getTime() - NOTICED_AFTER_MS).toISOString()}`;

/**
 * Every alert that the dead-queue-alerter tells; each has a runbook of its name in docs/runbooks. Rules for Prometheus of
 * the same name have the same severity (tools/tidy/test/alerts.test.ts).
 */
export const ALERTS = {
  DeadEventRateHigh: {
    severity: 'page',
    bill: 'Each dead letter is an event that is missing from the counts, and from invoices made before it is redriven.',
    firstCommand: () => `${STATS} --state dead`,
  },
  DeadTopicDiscontinuity: {
    severity: 'warning',
    bill: 'None: letters live in the database, with their bytes.',
    firstCommand: () => 'ops dead-letters list --state dead',
  },
  PartitionHalted: {
    severity: 'page',
    bill: 'What was counted is right; what waits is missing from every invoice made meanwhile.',
    firstCommand: () => 'ops sources --halted',
  },
  PartitionsStuck: {
    severity: 'page',
    bill: 'None but time: what waits is counted later, once.',
    firstCommand: () => 'ops lag',
  },
  AuditFailed: {
    severity: 'page',
    bill: 'Bill nothing from the ranges it names until it is explained.',
    firstCommand: () => 'ops audit',
  },
  DlqVolumeSpike: {
    severity: 'warning',
    bill: 'None so far: each of them is missing from the counts until a retry or a redrive stores it.',
    firstCommand: statsSince,
  },
  RejectionBreakerOpen: {
    severity: 'warning',
    bill: 'None so far: every record is counted once, as an event or as a dead letter, and the rest is late.',
    firstCommand: statsSince,
  },
} as const satisfies Readonly<Record<string, AlertDefinition>>;

export type AlertName = keyof typeof ALERTS;

/** Of an alert that this build does not know, asked for by a newer one: a page too many is better than none. */
const UNKNOWN: AlertDefinition = {
  severity: 'page',
  bill: 'Not known to this build.',
  firstCommand: () => 'ops incidents list --status firing',
};

/** The definition of an alert, whoever asked for it. */
export function alertDefinition(alert: string): AlertDefinition {
  return Object.hasOwn(ALERTS, alert) ? ALERTS[alert as AlertName] : UNKNOWN;
}

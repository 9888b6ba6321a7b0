import {
  formatTable,
  parseCommand,
  printJson,
  say,
  UsageError,
  wholeNumberOf,
} from '@adtally/command-line';
import {
  acknowledgeIncident,
  listIncidents,
  showIncident,
  type Incident,
  type ShownIncident,
} from '@adtally/alerting';
import { jsonInteger } from '@adtally/db';
import { EXIT } from '../exit-codes.ts';
import { oneId, operatorOf, readReason } from '../options.ts';
import type { Command } from '../context.ts';
import { count, printable } from '../words.ts';

const LIMIT_MAX = 1_000;
const JSON_OPTION = { json: { type: 'boolean', default: false } } as const;

/** `incidents list`: what people were told of, newest first. */
export const list: Command = (args) => {
  const { values } = parseCommand(args, {
    ...JSON_OPTION,
    status: { type: 'string' },
    alert: { type: 'string' },
    limit: { type: 'string', default: '20' },
  });
  const { status, alert } = values;
  if (status !== undefined && status !== 'firing' && status !== 'resolved') {
    throw new UsageError(`--status must be firing or resolved, not "${status}"`);
  }
  const limit = wholeNumberOf('limit', values.limit, 1, LIMIT_MAX);
  return async ({ db }) => {
    const incidents = await listIncidents(db, { status, alert, limit });
    if (values.json) printJson({ incidents: incidents.map(incidentJson) });
    else if (incidents.length === 0) say('no incidents match');
    else process.stdout.write(`${incidentsText(incidents)}\n`);
    return EXIT.ok;
  };
};

/** `incidents show <id>`: one incident with its figures and what was told of it. */
export const show: Command = (args) => {
  const { values, positionals } = parseCommand(args, JSON_OPTION, true);
  const incidentId = oneId('incident', positionals);
  return async ({ db }) => {
    const shown = await showIncident(db, incidentId);
    if (shown === undefined) {
      if (values.json) printJson({ found: false });
      say(`there is no incident ${incidentId}`);
      return EXIT.refused;
    }
    if (values.json) printJson(shownJson(shown));
    else process.stdout.write(`${shownText(shown)}\n`);
    return EXIT.ok;
  };
};

/** `incidents ack <id>`: somebody has taken it; updates and reminders stop, its resolution is still told. */
export const ack: Command = (args) => {
  const { values, positionals } = parseCommand(
    args,
    { ...JSON_OPTION, reason: { type: 'string' }, actor: { type: 'string' } },
    true,
  );
  const incidentId = oneId('incident', positionals);
  const signature = readReason(values);
  return async ({ db, config }) => {
    const operator = operatorOf(signature, config);
    const result = await acknowledgeIncident(db, { ...operator, incidentId: BigInt(incidentId) });
    const executed = result.outcome === 'acknowledged';
    if (values.json) printJson({ executed, incident: jsonInteger(BigInt(incidentId)), ...result });
    else if (executed) process.stdout.write(`incident ${incidentId} acknowledged\n`);
    if (executed) return EXIT.ok;
    const reasons = {
      'already-acknowledged': 'is acknowledged already',
      'not-firing': 'is over',
      'unknown-incident': 'does not exist',
    };
    say(`incident ${incidentId} ${reasons[result.outcome]}`);
    return EXIT.refused;
  };
};

function incidentJson(incident: Incident): object {
  return {
    incident: jsonInteger(incident.incidentId),
    uid: incident.uid,
    alert: incident.alert,
    key: incident.key,
    status: incident.status,
    starts_at: incident.startsAt,
    ends_at: incident.endsAt,
    opened_at: incident.openedAt,
    letters: jsonInteger(incident.letters),
    summary: incident.summary,
    detected_late: incident.detectedLate,
    told_at: incident.toldAt,
    acknowledged_at: incident.acknowledgedAt,
    acknowledged_by: incident.acknowledgedBy,
  };
}

function shownJson({ incident, notifications }: ShownIncident): object {
  return {
    found: true,
    ...incidentJson(incident),
    detail: incident.detail,
    notifications: notifications.map((one) => ({
      revision: one.revision,
      sink: one.sink,
      kind: one.kind,
      state: one.state,
      attempts: one.attempts,
      created_at: one.createdAt,
      settled_at: one.settledAt,
    })),
  };
}

function incidentsText(incidents: readonly Incident[]): string {
  const rows = incidents.map((incident) => [
    String(incident.incidentId),
    stateOf(incident),
    printable(incident.alert),
    incident.startsAt.toISOString(),
    count(incident.letters),
    printable(incident.summary),
  ]);
  const header = ['INCIDENT', 'STATE', 'ALERT', 'SINCE', 'LETTERS', 'SUMMARY'];
  return formatTable([header, ...rows], new Set([0, 4]));
}

function stateOf({ status, acknowledgedBy }: Incident): string {
  return status === 'firing' && acknowledgedBy !== null ? 'acknowledged' : status;
}

function shownText({ incident, notifications }: ShownIncident): string {
  const facts = [
    ['incident', `${incident.incidentId} ${printable(incident.alert)} ${printable(incident.key)}`],
    ['state', stateOf(incident)],
    ['since', incident.startsAt.toISOString()],
    ['until', incident.endsAt?.toISOString() ?? '-'],
    ['letters', count(incident.letters)],
    ['acknowledged by', printable(incident.acknowledgedBy ?? '-')],
    ['summary', printable(incident.summary)],
  ];
  const told = notifications.map((one) => [
    `  ${one.revision}`,
    one.kind,
    one.sink,
    one.state,
    `${one.attempts} attempts`,
    (one.settledAt ?? one.createdAt).toISOString(),
  ]);
  return [
    formatTable(facts),
    'detail',
    JSON.stringify(incident.detail, null, 2).split('\n').map(printable).join('\n'),
    ...(told.length > 0 ? ['told', formatTable(told)] : ['nothing was told yet']),
  ].join('\n');
}

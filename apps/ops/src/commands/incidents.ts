import {
  choice,
  command,
  EXIT,
  formatTable,
  id,
  JSON_OPTION,
  operand,
  option,
  printJson,
  say,
  text,
  wholeNumber,
} from '@adtally/command-line';
import {
  acknowledgeIncident,
  listIncidents,
  showIncident,
  type Incident,
  type ShownIncident,
} from '@adtally/alerting';
import { jsonInteger } from '@adtally/db';
import { onDatabase, type OpsEnvironment } from '../on-database.ts';
import { operatorOf, SIGNATURE_OPTIONS } from '../order-options.ts';
import { count, printable } from '../words.ts';

const LIMIT_MAX = 1_000;

export const list = command({
  options: {
    status: option(choice(['firing', 'resolved'], 'STATUS'), 'only these'),
    alert: option(text('NAME'), 'only of this alert'),
    limit: option(wholeNumber(1, LIMIT_MAX), 'how many', { default: 20 }),
    ...JSON_OPTION,
  },
  run: async ({ options: { json, ...wanted } }, environment: OpsEnvironment) =>
    await onDatabase(environment, async ({ db }) => {
      const incidents = await listIncidents(db, wanted);
      if (json) printJson({ incidents: incidents.map(incidentJson) });
      else if (incidents.length === 0) say('no incidents match');
      else process.stdout.write(`${incidentsText(incidents)}\n`);
      return EXIT.success;
    }),
});

/** One incident with its figures and what was told of it. */
export const show = command({
  operands: { id: operand(id('incident'), 'which incident') },
  options: JSON_OPTION,
  run: async ({ operands, options: { json } }, environment: OpsEnvironment) =>
    await onDatabase(environment, async ({ db }) => {
      const shown = await showIncident(db, operands.id);
      if (shown === undefined) {
        if (json) printJson({ found: false });
        say(`there is no incident ${operands.id}`);
        return EXIT.refused;
      }
      if (json) printJson(shownJson(shown));
      else process.stdout.write(`${shownText(shown)}\n`);
      return EXIT.success;
    }),
});

/** Somebody has taken it; updates and reminders stop, its resolution is still told. */
export const ack = command({
  operands: { id: operand(id('incident'), 'which incident') },
  options: { ...SIGNATURE_OPTIONS, ...JSON_OPTION },
  run: async ({ operands, options: { json, ...signature } }, environment: OpsEnvironment) =>
    await onDatabase(environment, async ({ db, config }) => {
      const operator = operatorOf(signature, config);
      const incidentId = BigInt(operands.id);
      const result = await acknowledgeIncident(db, { ...operator, incidentId });
      const executed = result.outcome === 'acknowledged';
      if (json) printJson({ executed, incident: jsonInteger(incidentId), ...result });
      else if (executed) process.stdout.write(`incident ${incidentId} acknowledged\n`);
      if (executed) return EXIT.success;
      const reasons = {
        'already-acknowledged': 'is acknowledged already',
        'not-firing': 'is over',
        'unknown-incident': 'does not exist',
      };
      say(`incident ${incidentId} ${reasons[result.outcome]}`);
      return EXIT.refused;
    }),
});

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

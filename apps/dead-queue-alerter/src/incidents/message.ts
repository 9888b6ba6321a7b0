import { alertDefinition, type Incident, type Severity } from '@adtally/alerting';
import type { NotificationKind } from '@adtally/db';
import { plain } from '../plain-text.ts';
import { storedTally } from '../rule/tally.ts';
import { letterCauses, letterFacts, requestCauses, requestFacts } from './facts.ts';
import { DEAD_RATE_ALERT, type AlertSettings } from './settings.ts';

/** What is said of an incident, before any sink gives it its shape. Stored in the outbox as it is. */
export interface Message {
  /** The incident, unique also among installations. */
  readonly incident: string;
  readonly incidentId: number;
  readonly revision: number;
  readonly kind: NotificationKind;
  readonly status: 'firing' | 'resolved';
  readonly alert: string;
  readonly key: string;
  readonly env: string;
  readonly severity: Severity;
  /** For routing; the same for as long as the incident is open. */
  readonly labels: Readonly<Record<string, string>>;
  /** RFC 3339. */
  readonly startsAt: string;
  readonly endsAt: string | null;
  readonly detectedLate: boolean;
  /** One line. */
  readonly summary: string;
  /** In words, one line each, the largest first. */
  readonly causes: readonly string[];
  /** What else is known, one line each, without markup. */
  readonly facts: readonly string[];
  /** What it means for invoices, one line. */
  readonly bill: string;
  /** The command to begin with. */
  readonly firstCommand: string;
  /** Dead rate only. */
  readonly letters: number | null;
  /** Absolute; null where nobody said where runbooks lie. */
  readonly runbookUrl: string | null;
}

const NAME_MAX = 200;
const SUMMARY_MAX = 300;
const SERVICE = 'dead-queue-alerter';

/** Builds the message of a change; the incident carries the change's revision already. */
export function messageOf(
  incident: Incident,
  kind: NotificationKind,
  settings: AlertSettings,
): Message {
  const isRule = incident.alert === DEAD_RATE_ALERT;
  const alert = plain(incident.alert, NAME_MAX);
  const key = plain(incident.key, NAME_MAX);
  const { severity, bill, firstCommand } = alertDefinition(incident.alert);
  const tally = isRule ? storedTally(incident.detail) : null;
  return {
    incident: incident.uid,
    incidentId: Number(incident.incidentId),
    revision: incident.revision,
    kind,
    status: STATUS[kind],
    alert,
    key,
    env: settings.env,
    severity,
    labels: {
      ...settings.labels,
      alertname: alert,
      env: settings.env,
      key,
      service: SERVICE,
      severity,
      topic: plain(topicOf(incident, settings), NAME_MAX),
    },
    startsAt: incident.startsAt.toISOString(),
    endsAt: kind === 'resolved' ? (incident.endsAt?.toISOString() ?? null) : null,
    detectedLate: incident.detectedLate,
    summary: plain(headline(incident, kind), SUMMARY_MAX),
    causes: tally === null ? requestCauses(incident) : letterCauses(tally),
    facts: tally === null ? requestFacts(incident) : letterFacts(incident, tally, settings.topic),
    bill,
    firstCommand: firstCommand(incident.startsAt),
    letters: isRule ? Number(incident.letters) : null,
    runbookUrl: runbookUrl(settings, alert),
  };
}

/** What a notification of that kind says of its incident. */
const STATUS: Readonly<Record<NotificationKind, Message['status']>> = {
  firing: 'firing',
  update: 'firing',
  repeat: 'firing',
  resolved: 'resolved',
};

const PREFIX: Readonly<Record<NotificationKind, string>> = {
  firing: '',
  update: 'More: ',
  repeat: 'Still firing: ',
  resolved: 'Resolved: ',
};

function headline({ summary, detectedLate }: Incident, kind: NotificationKind): string {
  return `${detectedLate && kind === 'firing' ? 'Detected late: ' : ''}${PREFIX[kind]}${summary}`;
}

/** The rule's incident in one line; grows with it. */
export function summarize(letters: number, sinceMs: number, settings: AlertSettings): string {
  const { threshold, windowMs } = settings.rule;
  const since = new Date(sinceMs).toISOString();
  return `${letters} dead letters on ${settings.topic} since ${since} (limit: ${threshold} in ${windowMs / 1000} s)`;
}

/** The topic concerned; of what concerns the whole database the one that is counted here. */
function topicOf({ alert, detail }: Incident, settings: AlertSettings): string {
  if (alert === DEAD_RATE_ALERT) return settings.topic;
  const { topic } = detail as { topic?: unknown };
  return typeof topic === 'string' && topic !== '' ? topic : settings.eventsTopic;
}

function runbookUrl({ runbookBaseUrl }: AlertSettings, alert: string): string | null {
  return runbookBaseUrl === '' ? null : `${runbookBaseUrl}/${encodeURIComponent(alert)}.md`;
}

/** The message of an outbox row, whichever build wrote it: those before schema 24 knew less. */
export function storedMessage(stored: unknown): Message {
  const message = stored as Message & { readonly description?: string };
  if (Array.isArray(message.causes)) return message;
  const { description = '', ...known } = message;
  const { severity, bill, firstCommand } = alertDefinition(known.alert);
  const { alert: alertname, env, key, runbookUrl: url } = known;
  return {
    ...known,
    severity,
    labels: { alertname, env, key, service: SERVICE, severity },
    causes: [],
    facts: description.split('\n'),
    bill,
    firstCommand: firstCommand(new Date(known.startsAt)),
    runbookUrl: url !== null && /^https?:\/\//.test(url) ? url : null,
  };
}

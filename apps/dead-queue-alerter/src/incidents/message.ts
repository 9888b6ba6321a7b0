import type { Incident } from '@adtally/alerting';
import type { NotificationKind } from '@adtally/db';
import { plain } from '../plain-text.ts';
import type { Tally } from '../rule/tally.ts';
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
  /** RFC 3339. */
  readonly startsAt: string;
  readonly endsAt: string | null;
  readonly detectedLate: boolean;
  /** One line. */
  readonly summary: string;
  /** A few lines, without markup. */
  readonly description: string;
  /** Dead rate only. */
  readonly letters: number | null;
  readonly runbookUrl: string;
}

const NAME_MAX = 200;
const SUMMARY_MAX = 300;
const CAUSES_SHOWN = 5;
const PARTITIONS_SHOWN = 10;
const DETAILS_SHOWN = 20;
const DETAIL_MAX = 200;
const LOOK_FURTHER = 'ops dead-letters list --state dead';

/** Builds the message of a change; the incident carries the change's revision already. */
export function messageOf(
  incident: Incident,
  kind: NotificationKind,
  settings: AlertSettings,
): Message {
  const isRule = incident.alert === DEAD_RATE_ALERT;
  const alert = plain(incident.alert, NAME_MAX);
  return {
    incident: incident.uid,
    incidentId: Number(incident.incidentId),
    revision: incident.revision,
    kind,
    status: STATUS[kind],
    alert,
    key: plain(incident.key, NAME_MAX),
    env: settings.env,
    startsAt: incident.startsAt.toISOString(),
    endsAt: kind === 'resolved' ? (incident.endsAt?.toISOString() ?? null) : null,
    detectedLate: incident.detectedLate,
    summary: plain(headline(incident, kind), SUMMARY_MAX),
    description: isRule ? describeLetters(incident, settings) : describeRequest(incident),
    letters: isRule ? Number(incident.letters) : null,
    runbookUrl: `${settings.runbookBaseUrl}/${encodeURIComponent(alert)}.md`,
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

function describeLetters(incident: Incident, settings: AlertSettings): string {
  const tally = incident.detail as Tally;
  const lines = [
    `Letters: ${incident.letters} since ${incident.startsAt.toISOString()}, by append time of ${settings.topic}`,
    ...(incident.endsAt === null ? [] : [`Over since: ${incident.endsAt.toISOString()}`]),
    `Offsets: ${offsetText(tally)}`,
    'Causes:',
    ...causeLines(tally),
    `Look further: ${LOOK_FURTHER}`,
  ];
  return lines.join('\n');
}

function offsetText({ offsets }: Tally): string {
  const partitions = Object.entries(offsets).toSorted(([a], [b]) => Number(a) - Number(b));
  const shown = partitions
    .slice(0, PARTITIONS_SHOWN)
    .map(([partition, [first, last]]) => `partition ${partition}: ${first}..${last}`);
  const hidden = partitions.length - shown.length;
  return [...shown, ...(hidden > 0 ? [`${hidden} more partitions`] : [])].join(', ');
}

function causeLines({ causes, otherCauses }: Tally): string[] {
  const ordered = Object.entries(causes).toSorted(
    ([a, left], [b, right]) => right.count - left.count || (a < b ? -1 : 1),
  );
  const shown = ordered.slice(0, CAUSES_SHOWN);
  const rest = ordered.slice(CAUSES_SHOWN).reduce((sum, [, { count }]) => sum + count, otherCauses);
  return [
    ...shown.map(([cause, { count, sample }]) => `- ${cause}: ${count}, e.g. ${sample}`),
    ...(rest > 0 ? [`- other causes: ${rest}`] : []),
  ];
}

function describeRequest(incident: Incident): string {
  const detail = Object.entries(incident.detail as Record<string, unknown>);
  return [
    `Key: ${plain(incident.key, NAME_MAX)}`,
    ...detail.slice(0, DETAILS_SHOWN).map(([name, value]) => {
      const text = typeof value === 'string' ? value : JSON.stringify(value);
      return `${plain(name, NAME_MAX)}: ${plain(text, DETAIL_MAX)}`;
    }),
  ].join('\n');
}

import {
  breachesBetween,
  insertIncident,
  openIncident,
  serverNowMs,
  takeArrivals,
  updateIncident,
  type ArrivalInOrder,
  type Incident,
} from '@adtally/alerting';
import { type DatabaseExecutor } from '@adtally/db';
import { evaluate, type EvaluatedEpisode, type KnownEpisode } from '../rule/evaluate.ts';
import { storedTally } from '../rule/tally.ts';
import { summarize, type Message } from './message.ts';
import { DEAD_RATE_ALERT, type AlertSettings } from './settings.ts';
import { tell } from './tell.ts';

export interface EvaluationBounds {
  /** Letters appended later wait: a partition that lags may still hold earlier ones. */
  readonly throughMs: number;
  /** Every letter appended before this is known; -Infinity where nobody can say. */
  readonly completeMs: number;
}

export interface EvaluationResult {
  /** What people will be told. */
  readonly told: readonly Message[];
  /** An incident of the rule is open now. */
  readonly isOpen: boolean;
}

/** Evaluates the letters that wait and writes what follows from it: incidents and outbox rows. */
export async function applyArrivals(
  trx: DatabaseExecutor,
  settings: AlertSettings,
  bounds: EvaluationBounds,
): Promise<EvaluationResult> {
  const { topic, rule } = settings;
  const arrivals = await takeArrivals(trx, topic, bounds.throughMs, rule.threshold);
  const open = await openIncident(trx, DEAD_RATE_ALERT, topic);
  if (arrivals.length === 0 && open === undefined) return { told: [], isOpen: false };
  const known = [...(await resolvedAround(trx, topic, arrivals)), ...(open ? [open] : [])];
  const episodes = evaluate(
    rule,
    arrivals,
    known.map(knownEpisode).toSorted((a, b) => a.sinceMs - b.sinceMs),
    bounds.completeMs,
  );
  const told: Message[] = [];
  let isOpen = open !== undefined;
  for (const episode of episodes) {
    const incident = known.find((one) => one.incidentId === episode.incidentId);
    if (incident === undefined) {
      told.push(...(await insert(trx, settings, episode)));
      if (episode.endedMs === null) isOpen = true;
    } else {
      told.push(...(await update(trx, settings, incident, episode)));
      if (episode.endedMs !== null) isOpen = false;
    }
  }
  return { told, isOpen };
}

/** Incidents that are over, so that a letter that comes late to one does not open another. */
async function resolvedAround(
  trx: DatabaseExecutor,
  topic: string,
  arrivals: readonly ArrivalInOrder[],
): Promise<Incident[]> {
  const [first] = arrivals;
  const last = arrivals.at(-1);
  if (first === undefined || last === undefined) return [];
  return await breachesBetween(trx, DEAD_RATE_ALERT, topic, first.appendedMs, last.appendedMs);
}

function knownEpisode(incident: Incident): KnownEpisode {
  const { incidentId, breachedAt, breachedUntil } = incident;
  if (breachedAt === null || breachedUntil === null) {
    throw new Error(`incident ${incidentId} of the dead rate has no breach`);
  }
  return {
    incidentId,
    isResolved: incident.status === 'resolved',
    sinceMs: incident.startsAt.getTime(),
    breachedMs: breachedAt.getTime(),
    untilMs: breachedUntil.getTime(),
    tally: storedTally(incident.detail),
  };
}

async function insert(
  trx: DatabaseExecutor,
  settings: AlertSettings,
  episode: EvaluatedEpisode,
): Promise<Message[]> {
  const quietMs = episode.untilMs + settings.rule.resolveMs;
  const { incidentId } = await insertIncident(trx, {
    alert: DEAD_RATE_ALERT,
    key: settings.topic,
    ...columns(settings, episode),
    detectedLate: quietMs <= (await serverNowMs(trx)),
  });
  const told = [await tell(trx, incidentId, 'firing', settings)];
  if (episode.endedMs !== null) told.push(await tell(trx, incidentId, 'resolved', settings));
  return told;
}

async function update(
  trx: DatabaseExecutor,
  settings: AlertSettings,
  incident: Incident,
  episode: EvaluatedEpisode,
): Promise<Message[]> {
  const hasGrown = BigInt(episode.tally.letters) !== incident.letters;
  await updateIncident(trx, incident.incidentId, {
    ...columns(settings, episode),
    hasNews: incident.hasNews || hasGrown,
  });
  if (episode.endedMs === null) return [];
  return [await tell(trx, incident.incidentId, 'resolved', settings)];
}

function columns(settings: AlertSettings, episode: EvaluatedEpisode) {
  return {
    startsAt: new Date(episode.sinceMs),
    breachedAt: new Date(episode.breachedMs),
    breachedUntil: new Date(episode.untilMs),
    endsAt: episode.endedMs === null ? undefined : new Date(episode.endedMs),
    letters: episode.tally.letters,
    summary: summarize(episode.tally.letters, episode.sinceMs, settings),
    detail: episode.tally,
  };
}

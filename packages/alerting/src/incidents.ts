import { sql } from 'kysely';
import type { DatabaseExecutor } from '@adtally/db';

/** Something people were, or are to be, told of, from its opening to its resolution. */
export interface Incident {
  readonly incidentId: bigint;
  /** Unique also among installations: what pagers merge by. */
  readonly uid: string;
  readonly alert: string;
  readonly key: string;
  readonly status: 'firing' | 'resolved';
  /** When it was noticed, by the server's clock. */
  readonly openedAt: Date;
  /** When it began and ended: append times for the dead rate, request times for other alerts. */
  readonly startsAt: Date;
  readonly endsAt: Date | null;
  /** Dead rate only: first breach, and until when the last window exceeded the threshold. */
  readonly breachedAt: Date | null;
  readonly breachedUntil: Date | null;
  readonly letters: bigint;
  readonly summary: string;
  readonly detail: unknown;
  readonly detectedLate: boolean;
  /** Number of the last change that was told. */
  readonly revision: number;
  readonly toldAt: Date | null;
  readonly hasNews: boolean;
  readonly acknowledgedAt: Date | null;
  readonly acknowledgedBy: string | null;
}

const COLUMNS = [
  'incident_id as incidentId',
  'incident_uid as uid',
  'alert',
  'alert_key as key',
  'status',
  'opened_at as openedAt',
  'starts_at as startsAt',
  'ends_at as endsAt',
  'breached_at as breachedAt',
  'breached_until as breachedUntil',
  'letters',
  'summary',
  'detail',
  'detected_late as detectedLate',
  'revision',
  'told_at as toldAt',
  'has_news as hasNews',
  'acknowledged_at as acknowledgedAt',
  'acknowledged_by as acknowledgedBy',
] as const;

export interface NewIncident {
  readonly alert: string;
  readonly key: string;
  readonly startsAt: Date;
  readonly endsAt?: Date | undefined;
  readonly breachedAt?: Date | undefined;
  readonly breachedUntil?: Date | undefined;
  readonly letters?: number | undefined;
  readonly summary: string;
  readonly detail: unknown;
  readonly detectedLate?: boolean | undefined;
}

/** Opens an incident; with `endsAt` one that is over already. Fails where its key has an open one. */
export async function insertIncident(
  trx: DatabaseExecutor,
  incident: NewIncident,
): Promise<Incident> {
  return await trx
    .insertInto('incidents')
    .values({
      alert: incident.alert,
      alert_key: incident.key,
      status: incident.endsAt === undefined ? 'firing' : 'resolved',
      starts_at: incident.startsAt,
      ends_at: incident.endsAt ?? null,
      breached_at: incident.breachedAt ?? null,
      breached_until: incident.breachedUntil ?? null,
      letters: BigInt(incident.letters ?? 0),
      summary: incident.summary,
      detail: JSON.stringify(incident.detail),
      detected_late: incident.detectedLate ?? false,
    })
    .returning(COLUMNS)
    .executeTakeFirstOrThrow();
}

export interface IncidentChange {
  readonly startsAt?: Date | undefined;
  /** Resolves it. */
  readonly endsAt?: Date | undefined;
  readonly breachedAt?: Date | undefined;
  readonly breachedUntil?: Date | undefined;
  readonly letters?: number | undefined;
  readonly summary?: string | undefined;
  readonly detail?: unknown;
  readonly hasNews?: boolean | undefined;
}

export async function updateIncident(
  trx: DatabaseExecutor,
  incidentId: bigint,
  change: IncidentChange,
): Promise<Incident> {
  return await trx
    .updateTable('incidents')
    .set({
      ...(change.startsAt !== undefined && { starts_at: change.startsAt }),
      ...(change.endsAt !== undefined && { ends_at: change.endsAt, status: 'resolved' as const }),
      ...(change.breachedAt !== undefined && { breached_at: change.breachedAt }),
      ...(change.breachedUntil !== undefined && { breached_until: change.breachedUntil }),
      ...(change.letters !== undefined && { letters: BigInt(change.letters) }),
      ...(change.summary !== undefined && { summary: change.summary }),
      ...(change.detail !== undefined && { detail: JSON.stringify(change.detail) }),
      ...(change.hasNews !== undefined && { has_news: change.hasNews }),
    })
    .where('incident_id', '=', incidentId)
    .returning(COLUMNS)
    .executeTakeFirstOrThrow();
}

/** The open incident of an alert and key, locked for the transaction: an operator may acknowledge it. */
export async function openIncident(
  trx: DatabaseExecutor,
  alert: string,
  key: string,
): Promise<Incident | undefined> {
  return await trx
    .selectFrom('incidents')
    .select(COLUMNS)
    .where('alert', '=', alert)
    .where('alert_key', '=', key)
    .where('status', '=', 'firing')
    .forUpdate()
    .executeTakeFirst();
}

/** All open incidents of an alert, locked as by `openIncident`. */
export async function openIncidents(trx: DatabaseExecutor, alert: string): Promise<Incident[]> {
  return await trx
    .selectFrom('incidents')
    .select(COLUMNS)
    .where('alert', '=', alert)
    .where('status', '=', 'firing')
    .orderBy('incident_id')
    .forUpdate()
    .execute();
}

/** Incidents that are over, whose breach lasted beyond `afterMs` and began before `beforeMs`. */
export async function breachesBetween(
  trx: DatabaseExecutor,
  alert: string,
  key: string,
  afterMs: number,
  beforeMs: number,
): Promise<Incident[]> {
  return await trx
    .selectFrom('incidents')
    .select(COLUMNS)
    .where('alert', '=', alert)
    .where('alert_key', '=', key)
    .where('status', '=', 'resolved')
    .where('breached_until', '>', new Date(afterMs))
    .where('starts_at', '<=', new Date(beforeMs))
    .orderBy('starts_at')
    .execute();
}

/**
 * Open incidents about which something is due: news, at most one in `updateMs`, or a reminder after
 * `repeatMs`. Those an operator acknowledged wait in silence for their resolution.
 */
export async function incidentsToTell(
  trx: DatabaseExecutor,
  updateMs: number,
  repeatMs: number,
): Promise<Incident[]> {
  const age = sql<number>`extract(epoch FROM clock_timestamp() - told_at) * 1000`;
  return await trx
    .selectFrom('incidents')
    .select(COLUMNS)
    .where('status', '=', 'firing')
    .where('acknowledged_at', 'is', null)
    .where((where) =>
      where.or([
        where.and([where('has_news', '=', true), where(age, '>=', updateMs)]),
        where(age, '>=', repeatMs),
      ]),
    )
    .orderBy('incident_id')
    .forUpdate()
    .execute();
}

/** Notes that a change was told, and returns the incident with its new revision. */
export async function nextRevision(trx: DatabaseExecutor, incidentId: bigint): Promise<Incident> {
  return await trx
    .updateTable('incidents')
    .set({
      revision: sql`revision + 1`,
      told_at: sql`clock_timestamp()`,
      has_news: false,
    })
    .where('incident_id', '=', incidentId)
    .returning(COLUMNS)
    .executeTakeFirstOrThrow();
}

export interface ListIncidentsOptions {
  /** Absent = both. */
  readonly status?: 'firing' | 'resolved' | undefined;
  readonly alert?: string | undefined;
  /** Newest first, at most so many; 100 by default. */
  readonly limit?: number | undefined;
}

const LIST_LIMIT = 100;

/** Incidents, newest first. */
export async function listIncidents(
  db: DatabaseExecutor,
  options: ListIncidentsOptions = {},
): Promise<Incident[]> {
  const { status, alert, limit } = options;
  return await db
    .selectFrom('incidents')
    .select(COLUMNS)
    .$if(status !== undefined, (query) => query.where('status', '=', status ?? 'firing'))
    .$if(alert !== undefined, (query) => query.where('alert', '=', alert ?? ''))
    .orderBy('incident_id', 'desc')
    .limit(limit ?? LIST_LIMIT)
    .execute();
}

/** One incident; undefined where there is none of that id. */
export async function findIncident(
  db: DatabaseExecutor,
  incidentId: bigint,
): Promise<Incident | undefined> {
  return await db
    .selectFrom('incidents')
    .select(COLUMNS)
    .where('incident_id', '=', incidentId)
    .executeTakeFirst();
}

import { sql } from 'kysely';
import type { DatabaseExecutor } from './database.ts';

/** One process of a service, for as long as it runs. */
export interface ServiceProcess {
  /** The app's name, e.g. `ingest-consumer`. */
  readonly service: string;
  /** Of all processes of the service, dead ones too, this one. */
  readonly process: string;
}

/** What is known of a service from what its processes say, by the database's clock. */
export interface ServiceState {
  readonly service: string;
  /** Unix time at which one of its processes was last at work; where none ever was, at which the first was seen. */
  readonly lastAtWorkSeconds: number;
  /** Processes that live and are not stuck, those that stand by too. */
  readonly processes: number;
}

/** A process that says nothing for so long counts as dead. */
export const PROCESS_SILENT_MS = 20_000;

/**
 * Says that a process lives now. Not on the disk when it returns: after a crash of the server the last words of a
 * second may be lost, which change nothing.
 *
 * @param isAtWork false for one that stands by: it lives, and does not count as at work
 */
export async function sayLives(
  db: DatabaseExecutor,
  { service, process }: ServiceProcess,
  isAtWork: boolean,
): Promise<void> {
  await sql`
    WITH of_this_statement AS (SELECT set_config('synchronous_commit', 'off', true))
    INSERT INTO service_processes AS p (service, process, worked_at)
    SELECT ${service}, ${process}, CASE WHEN ${isAtWork}::boolean THEN clock_timestamp() END FROM of_this_statement
    ON CONFLICT (service, process) DO UPDATE SET
      said_at = clock_timestamp(), worked_at = coalesce(excluded.worked_at, p.worked_at),
      ended_at = NULL`.execute(db);
}

/** Says that a process has ended in order; when it was last at work stays known. */
export async function sayEnded(
  db: DatabaseExecutor,
  { service, process }: ServiceProcess,
): Promise<void> {
  await db
    .updateTable('service_processes')
    .set({ ended_at: sql`clock_timestamp()` })
    .where('service', '=', service)
    .where('process', '=', process)
    .execute();
}

/**
 * Every service that ever ran against the database. Removes processes that have been silent for an hour, but of each
 * service the one that was last at work.
 */
export async function takeServiceStates(db: DatabaseExecutor): Promise<ServiceState[]> {
  const { rows } = await sql<ServiceState>`
    WITH gone AS (
      DELETE FROM service_processes p WHERE p.said_at < clock_timestamp() - interval '1 hour'
        AND EXISTS (SELECT FROM service_processes later WHERE later.service = p.service
                    AND (coalesce(later.worked_at, '-infinity'), later.process)
                      > (coalesce(p.worked_at, '-infinity'), p.process))
    )
    SELECT service,
           extract(epoch FROM coalesce(max(worked_at), min(started_at)))::float8 AS "lastAtWorkSeconds",
           (count(*) FILTER (WHERE ended_at IS NULL AND said_at > clock_timestamp()
             - ${PROCESS_SILENT_MS}::int * interval '1 millisecond'))::int AS processes
    FROM service_processes GROUP BY service ORDER BY service`.execute(db);
  return rows;
}

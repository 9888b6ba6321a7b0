import { auditDatabase, migrate, openDatabase, type Database } from '@adtally/db';
import { testDatabase, type ServiceProcess } from '@adtally/testkit';
import { sql } from 'kysely';

const migrated = async (url: string): Promise<void> => {
  await migrate(url);
};

const SESSION_END_MS = 60_000;

/** A migrated database of a world's own, and the processes that work with it. */
export class WorldDatabase {
  readonly url: string;
  readonly db: Database;
  readonly #drop: () => Promise<void>;
  readonly #processes: { service: ServiceProcess; isOver: boolean }[] = [];

  readonly #killAtExit = () => {
    for (const { service, isOver } of this.#processes) if (!isOver) service.signal('SIGKILL');
  };

  private constructor(url: string, drop: () => Promise<void>) {
    this.url = url;
    this.#drop = drop;
    this.db = openDatabase(url, { applicationName: 'crash-series', statementTimeoutMs: 0 });
    process.once('exit', this.#killAtExit);
  }

  static async open(): Promise<WorldDatabase> {
    const { url, drop } = await testDatabase(migrated);
    return new WorldDatabase(url, drop);
  }

  /** Ends with the world. */
  started(service: ServiceProcess): ServiceProcess {
    const entry = { service, isOver: false };
    this.#processes.push(entry);
    void service.ended.then(() => (entry.isOver = true));
    return service;
  }

  /** Whether a process lives, frozen or not. */
  get isInUse(): boolean {
    return this.#processes.some(({ isOver }) => !isOver);
  }

  async rows<T>(query: string): Promise<T[]> {
    return (await sql.raw<T>(query).execute(this.db)).rows;
  }

  /** The first column of the first row, 0 where it is null. */
  async number(query: string): Promise<number> {
    const [row] = await this.rows<Record<string, unknown>>(query);
    return Number(Object.values(row ?? {})[0] ?? 0);
  }

  /** What any database of Adtally must hold at any time. */
  async unbalanced(): Promise<string[]> {
    const { checks } = await auditDatabase(this.db);
    return checks.filter(({ ok }) => !ok).map((check) => JSON.stringify(check));
  }

  /** Ends the sessions of a frozen backfill-runner, and waits until they are gone. */
  async endSessions(): Promise<number> {
    const ended = await this.rows(`
      SELECT pg_terminate_backend(pid, ${SESSION_END_MS}) FROM pg_stat_activity
      WHERE datname = current_database()
        AND (application_name LIKE 'adtally-backfill-runner%' OR application_name = 'adtally-archive')`);
    return ended.length;
  }

  async close(): Promise<void> {
    await Promise.all(this.#processes.map(({ service }) => service.kill()));
    process.off('exit', this.#killAtExit);
    await this.db.destroy();
    await this.#drop();
  }
}

/** Where what was found differs from what the books say. */
export function compared(
  found: Readonly<Record<string, unknown>>,
  wanted: Readonly<Record<string, unknown>>,
): string[] {
  return Object.entries(wanted)
    .filter(([what, count]) => String(found[what] ?? 0) !== String(count))
    .map(([what, count]) => `${what}: ${String(found[what] ?? 0)} of ${String(count)}`);
}

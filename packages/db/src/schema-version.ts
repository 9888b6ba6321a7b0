import { sql } from 'kysely';
import type { DatabaseExecutor } from './database.ts';
import { newestMigrationVersion } from './migration-files.ts';

/** The schema this build reads and writes: the number of its newest migration. */
export const SUPPORTED_SCHEMA_VERSION = newestMigrationVersion();

export type SchemaCheck =
  | { readonly ok: true; readonly version: number }
  | {
      readonly ok: false;
      readonly version: number;
      readonly supported: number;
      /** One sentence with both versions and what to do. */
      readonly problem: string;
    };

/** The number of the newest migration applied; 0 in a database that was never migrated. */
export async function schemaVersion(db: DatabaseExecutor): Promise<number> {
  const known = await sql<{
    known: boolean;
  }>`SELECT to_regclass('kysely_migration') IS NOT NULL AS known`.execute(db);
  if (!known.rows[0]?.known) return 0;
  const { rows } = await sql<{
    version: number;
  }>`SELECT coalesce(max(substring(name from '^[0-9]+')::int), 0) AS version FROM kysely_migration`.execute(
    db,
  );
  return rows[0]?.version ?? 0;
}

/**
 * Whether this build fits the database: its own schema, or a newer one that says it serves builds this
 * old. A service that does not fit exits 78 and prints `problem`.
 */
export async function checkSchema(db: DatabaseExecutor): Promise<SchemaCheck> {
  const version = await schemaVersion(db);
  const supported = SUPPORTED_SCHEMA_VERSION;
  if (version === supported || (version > supported && (await serves(db, version, supported)))) {
    return { ok: true, version };
  }
  const remedy =
    version < supported ? 'run the migration job first' : 'run a newer build of this service';
  return {
    ok: false,
    version,
    supported,
    problem: `the database has schema version ${version}, this build supports ${supported}: ${remedy}`,
  };
}

async function serves(db: DatabaseExecutor, version: number, build: number): Promise<boolean> {
  const row = await db
    .selectFrom('schema_versions')
    .select('oldest_build')
    .where('version', '=', version)
    .executeTakeFirst();
  return row !== undefined && row.oldest_build <= build;
}

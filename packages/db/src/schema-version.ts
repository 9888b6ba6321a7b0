import { EXIT } from '@adtally/command-line';
import { sql } from 'kysely';
import type { DatabaseExecutor } from './database.ts';
import { newestMigrationVersion } from './migration-files.ts';
import { WriterSession } from './writer-session.ts';

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

/** A database whose schema this build does not fit: says both versions and what to do. */
export class SchemaMismatch extends Error {
  override readonly name = 'SchemaMismatch';
  /** Where nobody waits for another schema to come. */
  readonly exitCode = EXIT.configuration;
}

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
 * old. A service that does not fit at its start exits 78 and prints `problem` (ADR 16).
 */
export async function checkSchema(from: DatabaseExecutor | WriterSession): Promise<SchemaCheck> {
  const isSession = from instanceof WriterSession;
  const version = await (isSession ? versionOfSession(from) : schemaVersion(from));
  const supported = SUPPORTED_SCHEMA_VERSION;
  if (version === supported) return { ok: true, version };
  if (version > supported) {
    const oldest = await (isSession
      ? oldestBuildOfSession(from, version)
      : oldestBuild(from, version));
    if (oldest !== undefined && oldest <= supported) return { ok: true, version };
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

/** @throws SchemaMismatch */
export async function requireSchema(from: DatabaseExecutor | WriterSession): Promise<void> {
  const check = await checkSchema(from);
  if (!check.ok) throw new SchemaMismatch(check.problem);
}

async function oldestBuild(db: DatabaseExecutor, version: number): Promise<number | undefined> {
  const row = await db
    .selectFrom('schema_versions')
    .select('oldest_build')
    .where('version', '=', version)
    .executeTakeFirst();
  return row?.oldest_build;
}

async function versionOfSession(session: WriterSession): Promise<number> {
  const [table] = await session.query<{ known: boolean }>(
    "SELECT to_regclass('kysely_migration') IS NOT NULL AS known",
  );
  if (table?.known !== true) return 0;
  const [newest] = await session.query<{ version: number }>(
    "SELECT coalesce(max(substring(name from '^[0-9]+')::int), 0) AS version FROM kysely_migration",
  );
  return newest?.version ?? 0;
}

async function oldestBuildOfSession(
  session: WriterSession,
  version: number,
): Promise<number | undefined> {
  const [row] = await session.query<{ oldest_build: number }>(
    'SELECT oldest_build FROM schema_versions WHERE version = $1::int',
    [version],
  );
  return row?.oldest_build;
}

import { setTimeout as sleep } from 'node:timers/promises';
import type { Secret } from '@adtally/config';
import { type Kysely, sql } from 'kysely';
import { type Migration, type MigrationResultSet, Migrator } from 'kysely/migration';
import { ADVISORY_LOCKS, ADVISORY_LOCK_CLASS } from './advisory-locks.ts';
import { type Database, openDatabase } from './database.ts';
import { type MigrationFile, readMigrationFiles } from './migration-files.ts';
import { grantRights } from './roles/grants.ts';
import { schemaVersion } from './schema-version.ts';

export interface MigrationResult {
  /** Names of the migrations this run applied; empty where nothing was left to do. */
  readonly applied: readonly string[];
  /** The schema's version now. */
  readonly version: number;
  /** Roles of single apps that exist and were granted what they may. */
  readonly roles: readonly string[];
}

export interface MigrateOptions {
  /** Read instead of the package's own migrations/. */
  readonly directory?: string;
  /** How long to wait for a migration that runs elsewhere. */
  readonly waitMs?: number;
}

const DEFAULT_WAIT_MS = 600_000;
const LOCK_POLL_MS = 200;
// A migration waiting for a lock makes every writer behind it wait too; it fails and is run again instead.
const LOCK_TIMEOUT_MS = 10_000;

/**
 * Applies what is missing, in order, each migration in a transaction of its own. Safe to run twice
 * and from several places at once: one works, the others wait and find nothing left.
 *
 * @throws Error naming the migration that failed; those before it stay applied
 */
export async function migrate(
  url: string | Secret,
  options: MigrateOptions = {},
): Promise<MigrationResult> {
  const files = await readMigrationFiles(options.directory);
  // One connection keeps the session lock, the other migrates.
  const db = openDatabase(url, {
    applicationName: 'adtally-migrate',
    maxConnections: 2,
    statementTimeoutMs: 0,
    lockTimeoutMs: LOCK_TIMEOUT_MS,
  });
  try {
    return await db.connection().execute(async (lock) => {
      await takeLock(lock, options.waitMs ?? DEFAULT_WAIT_MS);
      try {
        const found = await schemaVersion(lock);
        if (found > files.length) {
          throw new Error(
            `the database has schema version ${found}, this build knows ${files.length}: run a newer build`,
          );
        }
        const applied = await applyMissing(db, files);
        const roles = options.directory === undefined ? await grantRights(db) : [];
        return { applied, version: await schemaVersion(db), roles };
      } finally {
        await sql`SELECT pg_advisory_unlock(${sql.lit(ADVISORY_LOCK_CLASS)}, ${sql.lit(ADVISORY_LOCKS.migrate)})`.execute(
          lock,
        );
      }
    });
  } finally {
    await db.destroy();
  }
}

/** Polls: a statement that waits for the lock would hold a snapshot, which CREATE INDEX CONCURRENTLY waits for. */
async function takeLock(lock: Database, waitMs: number): Promise<void> {
  const deadline = performance.now() + waitMs;
  for (;;) {
    const { rows } = await sql<{
      taken: boolean;
    }>`SELECT pg_try_advisory_lock(${sql.lit(ADVISORY_LOCK_CLASS)}, ${sql.lit(ADVISORY_LOCKS.migrate)}) AS taken`.execute(
      lock,
    );
    if (rows[0]?.taken) return;
    if (performance.now() > deadline) {
      throw new Error(`another migration has been running for more than ${waitMs} ms`);
    }
    await sleep(LOCK_POLL_MS);
  }
}

async function applyMissing(db: Database, files: readonly MigrationFile[]): Promise<string[]> {
  const migrations = Object.fromEntries(files.map((file) => [file.name, asMigration(file)]));
  const migrator = new Migrator({
    db,
    provider: { getMigrations: () => Promise.resolve(migrations) },
  });
  const executed = new Set(
    (await migrator.getMigrations()).filter((m) => m.executedAt !== undefined).map((m) => m.name),
  );
  const applied: string[] = [];
  // One at a time, never down: migrateTo goes back where its target lies behind.
  for (const file of files.filter(({ name }) => !executed.has(name))) {
    const result = await migrator.migrateTo(file.name, {
      disableTransactions: !file.inTransaction,
    });
    applied.push(...appliedNames(result));
  }
  return applied;
}

function asMigration(file: MigrationFile): Migration {
  return {
    async up(db: Kysely<unknown>): Promise<void> {
      await sql.raw(file.statements).execute(db);
    },
  };
}

function appliedNames({ error, results = [] }: MigrationResultSet): string[] {
  if (error !== undefined) {
    const failed = results.find((result) => result.status === 'Error')?.migrationName;
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(
      failed === undefined
        ? `cannot migrate: ${reason}`
        : `migration ${failed} failed (nothing of it is applied): ${reason}`,
      { cause: error },
    );
  }
  return results.filter((result) => result.status === 'Success').map((r) => r.migrationName);
}

import type { Secret } from '@adtally/config';
import {
  askDatabase,
  ensureDayPartitions,
  type EnsureDayPartitionsResult,
  migrate,
  type MigrationResult,
  openDatabase,
} from '@adtally/db';

export interface PreparedDatabase {
  readonly migration: MigrationResult;
  readonly days: EnsureDayPartitionsResult;
}

/** Brings the schema up to date and makes the day partitions around now. Safe to repeat. */
export async function prepareDatabase(url: string | Secret): Promise<PreparedDatabase> {
  return await askDatabase(url, async () => {
    const migration = await migrate(url);
    const db = openDatabase(url, { applicationName: 'adtally-migrate', maxConnections: 1 });
    try {
      return { migration, days: await ensureDayPartitions(db, { now: Date.now() }) };
    } finally {
      await db.destroy();
    }
  });
}

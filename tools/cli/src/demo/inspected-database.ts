import { say } from '@adtally/command-line';
import type { Secret } from '@adtally/config';
import {
  askDatabase,
  databaseExists,
  openDatabase,
  schemaVersion,
  withDatabaseName,
} from '@adtally/db';
import { databaseAccess, requireDatabaseUrl } from '../stack.ts';
import { readDemoRecords, databaseAddress } from './workspace-state.ts';

/**
 * The database that a demo of this clone left beside the stack's (or DATABASE_URL's), where nothing was ever counted
 * in that one, which is said; else `undefined`.
 * @throws StackError where there is no database at all
 */
export async function lastDemoDatabase(): Promise<string | undefined> {
  const url = requireDatabaseUrl();
  const last = readDemoRecords().findLast(
    ({ stackDatabase }) => stackDatabase === databaseAddress(url),
  );
  if (last === undefined || (await hasSources(databaseAccess()))) return undefined;
  if (!(await askDatabase(url, () => databaseExists(url, last.database)))) return undefined;
  say(`nothing was counted in this database yet: taking the last demo's, ${last.database}`);
  return withDatabaseName(url, last.database);
}

/** Whether anything was ever counted in this database. */
export async function hasSources(url: string | Secret): Promise<boolean> {
  const db = openDatabase(url, { applicationName: 'adtally-cli', maxConnections: 1 });
  try {
    return await askDatabase(url, async () => {
      if ((await schemaVersion(db)) === 0) return false;
      const sources = await db.selectFrom('sources').select('source_id').limit(1).execute();
      return sources.length > 0;
    });
  } finally {
    await db.destroy();
  }
}

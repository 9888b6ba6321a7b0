import { testDatabase, type TestDatabase } from '@adtally/testkit';
import { type Database, openDatabase } from '../src/database.ts';
import { migratedWithCountedClaims } from './templates.ts';

/** A migrated database of its own, with an open pool; both go away with `await using`. */
export async function migratedDatabase(): Promise<{
  readonly db: Database;
  readonly url: string;
  [Symbol.asyncDispose](): Promise<void>;
}> {
  const database: TestDatabase = await testDatabase(migratedWithCountedClaims);
  const db = openDatabase(database.url, { applicationName: 'adtally-db-test' });
  return {
    db,
    url: database.url,
    async [Symbol.asyncDispose]() {
      await db.destroy();
      await database.drop();
    },
  };
}

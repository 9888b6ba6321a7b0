import { checkSchema, type Database, openDatabase } from '@adtally/db';
import { say } from './output.ts';

/** As services do where the database has another schema than this build. */
const EXIT_CONFIGURATION = 78;

/** Opens the database for one command, refuses a schema that does not fit, and closes it again. */
export async function withDatabase(
  url: string,
  work: (db: Database) => Promise<number>,
): Promise<number> {
  const db = openDatabase(url, {
    applicationName: 'adtally-cli',
    maxConnections: 2,
    // An audit may take minutes; it bounds itself.
    statementTimeoutMs: 0,
  });
  try {
    const schema = await checkSchema(db);
    if (!schema.ok) {
      say(schema.problem);
      return EXIT_CONFIGURATION;
    }
    return await work(db);
  } finally {
    await db.destroy();
  }
}

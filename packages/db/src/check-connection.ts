import type { ConnectionCheck } from '@adtally/command-line';
import type { Secret } from '@adtally/config';
import { sql } from 'kysely';
import { openDatabase } from './database.ts';
import { requireSchema, SUPPORTED_SCHEMA_VERSION } from './schema-version.ts';
import { databaseFailure } from './server-failure.ts';

/** Tries the database as a service does at its start: log in, and compare the schema with this build's. */
export function databaseCheck(url: string | Secret): ConnectionCheck {
  return {
    server: 'PostgreSQL (DATABASE_URL)',
    explain: databaseFailure,
    attempt: async () => {
      const db = openDatabase(url, { applicationName: 'adtally-check', maxConnections: 1 });
      try {
        const { rows } = await sql<{ version: string; role: string }>`
          SELECT current_setting('server_version') AS version, current_user AS role`.execute(db);
        await requireSchema(db);
        const { version, role } = rows[0] ?? { version: '?', role: '?' };
        return `version ${version}, as ${role}, schema ${SUPPORTED_SCHEMA_VERSION} fits`;
      } finally {
        await db.destroy();
      }
    },
  };
}

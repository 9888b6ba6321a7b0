import { testDatabase } from '@adtally/testkit';
import { migratedWithCountedClaims } from './templates.ts';
import { WriterSession, type WriterSessionOptions } from '../src/index.ts';

/** A migrated database with one or more sources of topic `test`, each with its genesis at 0. */
export async function databaseWithSources(partitions = 1) {
  const database = await testDatabase(migratedWithCountedClaims);
  const session = await openSession(database.url);
  for (let partition = 0; partition < partitions; partition++) {
    await session.query(
      `WITH source AS (INSERT INTO sources (kind, topic, topic_id, partition)
                       VALUES ('events', 'test', 'test-id', $1::int) RETURNING source_id),
            genesis AS (INSERT INTO ledger (source_id, end_offset, epoch)
                        SELECT source_id, 0, 0 FROM source RETURNING source_id)
       INSERT INTO cursors (source_id, next_offset) SELECT source_id, 0 FROM genesis`,
      [partition],
    );
  }
  return { url: database.url, session, drop: () => session.close().then(() => database.drop()) };
}

export function openSession(
  databaseUrl: string,
  overrides: Partial<WriterSessionOptions> = {},
): Promise<WriterSession> {
  return WriterSession.connect({
    databaseUrl,
    applicationName: 'test',
    lockTimeoutMs: 2_000,
    statementTimeoutMs: 5_000,
    connectTimeoutMs: 5_000,
    ...overrides,
  });
}

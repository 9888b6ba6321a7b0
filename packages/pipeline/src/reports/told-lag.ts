import { readLag, shownLag, type Database } from '@adtally/db';

/** Whoever looks at a service wants an answer also while the database gives none. */
const WAIT_MS = 2_000;

/** What the leader last found of a topic, or why that is not known: for a status endpoint. */
export async function toldLag(
  db: Database | undefined,
  topic: string,
): Promise<{ partitions: object[] } | { unknown: string }> {
  if (db === undefined) return { unknown: 'not connected yet' };
  const late = Promise.withResolvers<{ unknown: string }>();
  const timer = setTimeout(
    () => late.resolve({ unknown: 'the database does not answer' }),
    WAIT_MS,
  );
  const told = readLag(db, topic).then(
    (found) => ({ partitions: found.map(shownLag) }),
    (error: unknown) => ({ unknown: error instanceof Error ? error.message : String(error) }),
  );
  try {
    return await Promise.race([told, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import type { DatabaseTemplate } from '@adtally/testkit';
import { migrate } from '../src/migrate.ts';
import { countClaims } from './count-claims.ts';

const MIGRATIONS = new URL('../migrations/', import.meta.url);

/** As `migrate` leaves an empty database. */
export const migrated: DatabaseTemplate = {
  name: `migrated_${fingerprint()}`,
  fill: async (url) => void (await migrate(url)),
};

/** The same, and its claims are numbered 1, 2, 3. */
export const migratedWithCountedClaims: DatabaseTemplate = {
  name: `counted_${fingerprint()}`,
  fill: async (url) => {
    await migrate(url);
    await countClaims(url);
  },
};

/** Of the migrations: who watches tests while writing one gets a template anew. */
function fingerprint(): string {
  const hash = createHash('sha256');
  for (const name of readdirSync(MIGRATIONS).toSorted()) {
    hash.update(name).update(readFileSync(new URL(name, MIGRATIONS)));
  }
  return hash.digest('hex').slice(0, 12);
}

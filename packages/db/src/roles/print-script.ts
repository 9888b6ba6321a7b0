import type { Secret } from '@adtally/config';
import { askDatabase } from '../command-database.ts';
import { openDatabase } from '../database.ts';
import { ownerOf, rolesScript } from './grants.ts';

/**
 * The script that makes a role for each app, for the database that `url` names.
 * @throws CommandError where it does not answer, or refuses us
 */
export async function rolesScriptFor(url: string | Secret): Promise<string> {
  const db = openDatabase(url, { applicationName: 'adtally-roles', maxConnections: 1 });
  try {
    return rolesScript(await askDatabase(url, () => ownerOf(db)));
  } finally {
    await db.destroy();
  }
}

import { CommandError, EXIT, noAnswer, refusedBy, type Server } from '@adtally/command-line';
import { reveal, type Secret } from '@adtally/config';
import { AddressError, parseAddress } from './address/address.ts';
import { type Database, openDatabase, type OpenDatabaseOptions } from './database.ts';
import { PasswordUnavailable } from './password-source.ts';
import { PoolerUnsuitable } from './pooler.ts';
import { LeadLost } from './retention/leading.ts';
import { checkSchema } from './schema-version.ts';
import { isAway } from './server-away.ts';

/** What is wrong before a server was asked. */
const OURS = [AddressError, PasswordUnavailable, PoolerUnsuitable];
/** 28xxx: who we are is refused; 3D000: there is no such database. */
const REFUSED = /^(?:28\w{3}|3D000|42501)$/;

/**
 * Opens the database for one command and closes it again.
 * @throws CommandError where it does not answer (exit code 69), or refuses us or has a schema that does
 *   not fit this build (78), each in one sentence
 */
export async function withDatabase<T>(
  url: string | Secret,
  options: OpenDatabaseOptions,
  work: (db: Database) => Promise<T>,
): Promise<T> {
  const db = openDatabase(url, options);
  try {
    return await askDatabase(url, async () => {
      const schema = await checkSchema(db);
      if (!schema.ok) throw new CommandError(schema.problem, { exitCode: EXIT.configuration });
      return await work(db);
    });
  } finally {
    await db.destroy();
  }
}

/**
 * Does work on the database that `url` names, whoever opened it.
 * @throws CommandError where it does not answer (exit code 69) or refuses us (78), in one sentence
 */
export async function askDatabase<T>(url: string | Secret, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (OURS.some((kind) => error instanceof kind)) {
      throw new CommandError((error as Error).message, { exitCode: EXIT.configuration });
    }
    const { code } = error as { code?: unknown };
    const sqlState = typeof code === 'string' ? code : '';
    if (REFUSED.test(sqlState)) throw refusedBy(serverOf(url), error);
    if (isAway(error) || error instanceof LeadLost) throw noAnswer(serverOf(url), error);
    throw error;
  }
}

/** Where it is, never who logs in. */
function serverOf(url: string | Secret): Server {
  const hosts = parseAddress(reveal(url)).hosts.map(({ name, port, isSocket }) =>
    isSocket ? name : `${name}:${port}`,
  );
  return { title: 'PostgreSQL', address: hosts.join(', '), variable: 'DATABASE_URL' };
}

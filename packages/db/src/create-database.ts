import { sql } from 'kysely';
import { type Database, openDatabase } from './database.ts';

const LEGAL_NAME = /^[a-z_][a-z0-9_]{0,62}$/;

/** The same server, user and parameters, another database. */
export function withDatabaseName(url: string, name: string): string {
  const changed = new URL(url);
  changed.pathname = `/${name}`;
  return changed.href;
}

/**
 * Creates an empty database beside the one `url` names and returns its address. For tools: a service
 * never creates one. The user needs CREATEDB, else the server's 42501 comes through.
 *
 * @param name lower-case letters, digits and underscores, at most 63
 */
export async function createDatabase(url: string, name: string): Promise<string> {
  await onServer(url, (db) => sql`CREATE DATABASE ${identifier(name)}`.execute(db));
  return withDatabaseName(url, name);
}

/** Ends every session in that database and removes it; one that does not exist is no error. */
export async function dropDatabase(url: string, name: string): Promise<void> {
  await onServer(url, (db) =>
    sql`DROP DATABASE IF EXISTS ${identifier(name)} WITH (FORCE)`.execute(db),
  );
}

/** Whether there is a database of that name on the server. */
export async function databaseExists(url: string, name: string): Promise<boolean> {
  return await onServer(url, async (db) => {
    const { rows } = await sql`SELECT FROM pg_database WHERE datname = ${name}`.execute(db);
    return rows.length > 0;
  });
}

function identifier(name: string) {
  if (!LEGAL_NAME.test(name)) throw new RangeError(`"${name}" is no database name of ours`);
  return sql.id(name);
}

async function onServer<T>(url: string, work: (db: Database) => Promise<T>): Promise<T> {
  const db = openDatabase(url, {
    applicationName: 'adtally-databases',
    maxConnections: 1,
    // Copying the template and dropping large files takes what it takes.
    statementTimeoutMs: 0,
  });
  try {
    return await work(db);
  } finally {
    await db.destroy();
  }
}

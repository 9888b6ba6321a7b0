import { Client } from 'pg';
import { databaseUrl } from './servers.ts';
import { isAbandoned, uniqueName } from './unique-name.ts';

/** A database of its own for one test. */
export interface TestDatabase {
  readonly url: string;
  readonly name: string;
  /** Ends every session in it and removes it; safe to call twice. */
  drop(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

export type Migrate = (url: string) => Promise<void>;

const TEMPLATE_PREFIX = 'adtally_template';
const DATABASE_PREFIX = 'adtally_test';

// Keyed by the migrate function: a caller passes the same function to share its template.
const templates = new Map<Migrate, Promise<string>>();

/**
 * A fresh database, migrated. `migrate` runs once a process into a template, which every call
 * clones; it must close its connections, since PostgreSQL refuses to clone a database in use.
 */
export async function testDatabase(migrate: Migrate): Promise<TestDatabase> {
  const serverUrl = await databaseUrl();
  let template = templates.get(migrate);
  if (template === undefined) {
    template = createTemplate(serverUrl, migrate);
    templates.set(migrate, template);
  }
  const source = await template;
  const name = uniqueName(DATABASE_PREFIX);
  await execute(serverUrl, `CREATE DATABASE "${name}" TEMPLATE "${source}"`);
  const drop = () => dropDatabase(serverUrl, name);
  return { url: withDatabase(serverUrl, name), name, drop, [Symbol.asyncDispose]: drop };
}

/** An empty database, for tests of the migrations themselves. */
export async function emptyDatabase(): Promise<TestDatabase> {
  const serverUrl = await databaseUrl();
  const name = uniqueName(DATABASE_PREFIX);
  await execute(serverUrl, `CREATE DATABASE "${name}"`);
  const drop = () => dropDatabase(serverUrl, name);
  return { url: withDatabase(serverUrl, name), name, drop, [Symbol.asyncDispose]: drop };
}

async function createTemplate(serverUrl: string, migrate: Migrate): Promise<string> {
  await dropAbandoned(serverUrl);
  const name = uniqueName(TEMPLATE_PREFIX);
  await execute(serverUrl, `CREATE DATABASE "${name}"`);
  await migrate(withDatabase(serverUrl, name));
  return name;
}

/** A template outlives its process (nothing can await at exit), so the next process clears it away. */
async function dropAbandoned(serverUrl: string): Promise<void> {
  const names = await execute(
    serverUrl,
    "SELECT datname FROM pg_database WHERE datname LIKE 'adtally\\_te%'",
  );
  for (const { datname } of names as { datname: string }[]) {
    if (isAbandoned(datname, TEMPLATE_PREFIX) || isAbandoned(datname, DATABASE_PREFIX)) {
      await dropDatabase(serverUrl, datname);
    }
  }
}

async function dropDatabase(serverUrl: string, name: string): Promise<void> {
  await execute(serverUrl, `DROP DATABASE IF EXISTS "${name}" WITH (FORCE)`);
}

async function execute(url: string, statement: string): Promise<unknown[]> {
  const client = new Client({ connectionString: url, application_name: 'adtally-testkit' });
  await client.connect();
  try {
    return (await client.query(statement)).rows;
  } finally {
    await client.end();
  }
}

function withDatabase(serverUrl: string, name: string): string {
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  return url.href;
}

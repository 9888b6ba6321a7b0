import { Client } from 'pg';
import { databaseUrl } from './servers.ts';
import { isAbandoned, runName, uniqueName } from './unique-name.ts';

/** A database of its own for one test. */
export interface TestDatabase {
  readonly url: string;
  readonly name: string;
  /** Ends every session in it and removes it; safe to call twice. */
  drop(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Fills an empty database; it must close its connections, since PostgreSQL refuses to clone a database in use. */
export type Migrate = (url: string) => Promise<void>;

/** How a database is made that others are cloned from, once in a run of tests. */
export interface DatabaseTemplate {
  /** Letters, digits and `_`. The same name means the same content, in every process of the run. */
  readonly name: string;
  readonly fill: Migrate;
}

const TEMPLATE_PREFIX = 'adtally_template';
const DATABASE_PREFIX = 'adtally_test';
// Any number that nothing else locks on the tests' server.
const TEMPLATES_LOCK = 7_250_401;

const templates = new Map<string | Migrate, Promise<string>>();

/**
 * A fresh database, a clone of a template: of one that all processes of this run of tests share, or of one that a
 * function fills for this process alone. Such a function must be the same at every call, or each fills its own.
 */
export async function testDatabase(template: DatabaseTemplate | Migrate): Promise<TestDatabase> {
  const serverUrl = await databaseUrl();
  const key = typeof template === 'function' ? template : template.name;
  let made = templates.get(key);
  if (made === undefined) {
    made =
      typeof template === 'function'
        ? ownTemplate(serverUrl, template)
        : sharedTemplate(serverUrl, template);
    templates.set(key, made);
  }
  const source = await made;
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

async function ownTemplate(serverUrl: string, fill: Migrate): Promise<string> {
  await dropAbandoned(serverUrl);
  const name = uniqueName(TEMPLATE_PREFIX);
  await execute(serverUrl, `CREATE DATABASE "${name}"`);
  await fill(withDatabase(serverUrl, name));
  return name;
}

/** One process fills it while the others wait; it gets its name when it is whole, so one cut short is never cloned. */
async function sharedTemplate(
  serverUrl: string,
  { name, fill }: DatabaseTemplate,
): Promise<string> {
  const shared = runName(TEMPLATE_PREFIX, name);
  return await withClient(serverUrl, async (client) => {
    await client.query('SELECT pg_advisory_lock($1)', [TEMPLATES_LOCK]);
    const { rowCount } = await client.query('SELECT FROM pg_database WHERE datname = $1', [shared]);
    if (rowCount === 0) {
      await client.query(
        `ALTER DATABASE "${await ownTemplate(serverUrl, fill)}" RENAME TO "${shared}"`,
      );
    }
    return shared;
  });
}

/** A template outlives its run (nothing can await at exit), so the next run clears it away. */
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
  return await withClient(url, async (client) => (await client.query(statement)).rows as unknown[]);
}

async function withClient<T>(url: string, work: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({ connectionString: url, application_name: 'adtally-testkit' });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

function withDatabase(serverUrl: string, name: string): string {
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  return url.href;
}

import { Client } from 'pg';
import { testPostgres, type TestPostgres } from './postgres.ts';

/** A PostgreSQL of its own with a role `app` that logs in by its password, at first `right`, and may everything. */
export interface GuardedPostgres extends TestPostgres {
  /** The address of `app`, with this password. */
  urlWith(password: string): string;
  /** Runs a statement as the superuser. */
  run(statement: string): Promise<void>;
  /** Ends the sessions of `app`. */
  cutSessions(): Promise<void>;
}

export async function guardedPostgres(): Promise<GuardedPostgres> {
  const server = await testPostgres();
  const run = async (statement: string): Promise<void> => {
    const client = new Client({ connectionString: server.url });
    await client.connect();
    await client.query(statement).finally(() => client.end());
  };
  await run("CREATE ROLE app SUPERUSER LOGIN PASSWORD 'right'");
  server.askPasswords();
  return {
    ...server,
    urlWith: (password) => server.url.replace('user=adtally', `user=app&password=${password}`),
    run,
    cutSessions: () =>
      run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'app'"),
  };
}

import { setTimeout as pause } from 'node:timers/promises';
import { openDatabase } from '@adtally/db';
import { sql } from 'kysely';
import { APP_ROLE } from '../database-server.ts';
import type { Kind } from '../kind.ts';
import type { World } from '../world.ts';

const AWAY =
  /ECONNREFUSED|ECONNRESET|connection terminated|terminating connection|shutting down|starting up|not accept|database_unavailable|57P0\d/i;
const CONNECT_LIMIT_MS = 2_000;
const SILENT = /did not answer|no answer|timed? ?out|unanswered/i;

/** As the services when the world began: through their proxy, as their role. */
async function appCanConnect({ servers, names, firstPasswords }: World): Promise<boolean> {
  const url = servers.database.urlFor(names.database, firstPasswords.database);
  const db = openDatabase(url, { applicationName: 'breaking-run', maxConnections: 1 });
  try {
    const answer = sql`SELECT 1`.execute(db).then(() => true);
    return await Promise.race([answer.catch(() => false), pause(CONNECT_LIMIT_MS, false)]);
  } finally {
    void db.destroy();
  }
}

const stopped: Kind = {
  name: 'postgres-stopped',
  family: 'database',
  what: 'PostgreSQL ended at once (immediate)',
  expects: 'heals',
  named: AWAY,
  break: ({ servers }) => servers.database.stop(),
  evidence: async ({ servers }) => (servers.database.isRunning ? undefined : 'no server process'),
  heal: ({ servers }) => servers.database.start(),
};

const frozen: Kind = {
  name: 'postgres-frozen',
  family: 'database',
  what: 'every process of PostgreSQL frozen',
  expects: 'heals',
  named: SILENT,
  break: async ({ servers }) => servers.database.freeze(),
  evidence: async ({ servers }) => (servers.database.isFrozen ? 'its state is T' : undefined),
  heal: async ({ servers }) => servers.database.thaw(),
};

const cut: Kind = {
  name: 'postgres-cut-off',
  family: 'database',
  what: 'every connection to PostgreSQL reset, none let in',
  expects: 'heals',
  named: AWAY,
  break: async ({ servers }) => {
    servers.database.proxy.refuse(true);
    servers.database.proxy.cutAll();
  },
  evidence: async ({ servers }) =>
    servers.database.proxy.connections === 0 ? 'no connection' : undefined,
  heal: async ({ servers }) => servers.database.proxy.refuse(false),
};

const silent: Kind = {
  name: 'postgres-unanswering',
  family: 'database',
  what: 'connections to PostgreSQL stay open and carry nothing',
  expects: 'heals',
  named: SILENT,
  break: async ({ servers }) => servers.database.proxy.blackhole(true),
  evidence: async (world) =>
    (await appCanConnect(world)) ? undefined : 'no client gets an answer',
  heal: async ({ servers }) => servers.database.proxy.blackhole(false),
};

/** Ends the sessions of the services: what changed counts for new ones. */
const END_SESSIONS = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '${APP_ROLE}'`;

const password: Kind = {
  name: 'postgres-password-rotated',
  family: 'database',
  what: 'the password changed and every session ended; the file follows at the end',
  expects: 'heals',
  named: /password authentication failed|28P01/i,
  break: async ({ servers }) => {
    servers.passwords.database = 'the-next-password';
    const next = `ALTER ROLE ${APP_ROLE} PASSWORD '${servers.passwords.database}'`;
    await servers.database.ask('postgres', next, END_SESSIONS);
  },
  evidence: async (world) =>
    (await appCanConnect(world)) ? undefined : 'the password of before is refused',
  heal: async (world) => world.setSecret('database', world.servers.passwords.database),
};

const readOnly: Kind = {
  name: 'postgres-read-only',
  family: 'database',
  what: 'the server is a standby, as after a failover to the wrong one',
  expects: 'heals',
  named: /read-only|25006|in recovery/i,
  break: ({ servers }) => servers.database.demote(),
  evidence: async ({ servers }) => {
    const [row] = await servers.database.ask('postgres', 'SELECT pg_is_in_recovery() AS standby');
    return row?.['standby'] === true ? 'pg_is_in_recovery()' : undefined;
  },
  heal: async ({ servers }) => {
    await servers.database.ask('postgres', 'SELECT pg_promote() WHERE pg_is_in_recovery()');
  },
};

const FULL = `
  CREATE OR REPLACE FUNCTION disk_full() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    RAISE EXCEPTION USING ERRCODE = '53100',
      MESSAGE = 'could not extend file "base/1/1": No space left on device';
  END $$`;

const full: Kind = {
  name: 'postgres-disk-full',
  family: 'database',
  what: 'every write of events is refused with 53100 (by a trigger)',
  expects: 'heals',
  named: /53100|No space left/i,
  break: async ({ servers, names }) => {
    const trigger = `CREATE OR REPLACE TRIGGER full_disk BEFORE INSERT ON ledger FOR EACH STATEMENT EXECUTE FUNCTION disk_full()`;
    await servers.database.ask(names.database, FULL, trigger);
  },
  evidence: async ({ servers, names }) => {
    const found = `SELECT tgname FROM pg_trigger WHERE tgname = 'full_disk'`;
    const rows = await servers.database.ask(names.database, found);
    return rows.length > 0 ? 'the trigger is there' : undefined;
  },
  heal: async ({ servers, names }) => {
    await servers.database.ask(names.database, 'DROP FUNCTION IF EXISTS disk_full CASCADE');
  },
};

export const DATABASE: readonly Kind[] = [stopped, frozen, cut, silent, password, readOnly, full];

import { APP_ROLE } from '../database-server.ts';
import type { Kind } from '../kind.ts';
import type { World } from '../world.ts';

/** Statements of a session that stays until the kind ends: what it holds is held. */
let holders: readonly (() => Promise<void>)[] = [];

async function hold({ servers, names }: World, ...statements: string[]): Promise<void> {
  holders = [...holders, await servers.database.hold(names.database, ...statements)];
}

async function release(): Promise<void> {
  const held = holders;
  holders = [];
  await Promise.all(held.map((end) => end()));
}

const exhausted: Kind = {
  name: 'postgres-connections-exhausted',
  family: 'database',
  what: 'every session ended, and the role may have none (limit of connections)',
  expects: 'heals',
  named: /too many connections|53300/i,
  break: async ({ servers }) => {
    const none = `ALTER ROLE ${APP_ROLE} CONNECTION LIMIT 0`;
    const end = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '${APP_ROLE}'`;
    await servers.database.ask('postgres', none, end);
  },
  evidence: async ({ servers }) => {
    const count = `SELECT count(*)::int AS n FROM pg_stat_activity WHERE usename = '${APP_ROLE}'`;
    const [row] = await servers.database.ask('postgres', count);
    return row?.['n'] === 0 ? 'the role has no session' : undefined;
  },
  heal: async ({ servers }) => {
    await servers.database.ask('postgres', `ALTER ROLE ${APP_ROLE} CONNECTION LIMIT -1`);
  },
};

const PARTITION_0 = (topic: string): string => `
  SELECT source_id FROM sources WHERE topic = '${topic}' AND partition = 0 AND kind = 'events'`;

const locked: Kind = {
  name: 'cursor-row-locked',
  family: 'database',
  what: "somebody else's transaction holds the cursor of partition 0",
  expects: 'heals',
  named: /lock[^"]{0,40}(?:time-?out|not available)|55P03|canceling statement due to lock/i,
  break: (world) =>
    hold(
      world,
      'BEGIN',
      `SELECT 1 FROM cursors WHERE source_id = (${PARTITION_0(world.names.events)}) FOR UPDATE`,
    ),
  evidence: async ({ servers }) => {
    const waits = `SELECT count(*)::int AS n FROM pg_stat_activity
                    WHERE usename = '${APP_ROLE}' AND wait_event_type = 'Lock'`;
    const [row] = await servers.database.ask('postgres', waits);
    return Number(row?.['n']) > 0 ? `${String(row?.['n'])} sessions wait for a lock` : undefined;
  },
  heal: release,
};

let putBack: (() => Promise<void>) | undefined;

const restored: Kind = {
  name: 'postgres-restored-behind',
  family: 'database',
  what: 'a backup of 15 s before put in the place of the database',
  expects: 'heals',
  named: /database (?:is behind|went back)|went back/i,
  prepare: async ({ servers }) => {
    putBack = servers.database.backUp();
    await new Promise((resolve) => setTimeout(resolve, 15_000));
  },
  break: async () => await putBack?.(),
  evidence: async () => 'the backup runs in its place',
  heal: async () => undefined,
};

const TODAY = `
  SELECT c.relname AS name, pg_get_expr(c.relpartbound, c.oid) AS bound
    FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
   WHERE i.inhparent = 'events'::regclass AND c.relname = 'events_' || to_char(now() AT TIME ZONE 'UTC', 'YYYYMMDD')`;
let day: Record<string, unknown> | undefined;

const blockedDay: Kind = {
  name: 'day-partition-blocked',
  family: 'database',
  what: "today's rows lie in the default partition, and another table stands where today's is to be made",
  expects: 'survives',
  named: /day's partition cannot be made/,
  shownBy: 'adtally_event_days_blocked',
  isTold: true,
  break: async ({ servers, names }) => {
    [day] = await servers.database.ask(names.database, TODAY);
    const name = String(day?.['name']);
    await servers.database.ask(
      names.database,
      `DO $$ BEGIN
         ALTER TABLE events DETACH PARTITION ${name};
         INSERT INTO events_default SELECT * FROM ${name};
         UPDATE ${name} SET event_key = gen_random_uuid();
       END $$`,
    );
  },
  evidence: async ({ servers, names }) => {
    const rows = await servers.database.ask(names.database, TODAY);
    return rows.length === 0 ? `${String(day?.['name'])} is gone` : undefined;
  },
  heal: async ({ servers, names }) => {
    const name = String(day?.['name']);
    await servers.database.ask(
      names.database,
      `DO $$ BEGIN
         -- What is there by then a consumer makes a partition of, rows and all.
         IF NOT (SELECT relispartition FROM pg_class WHERE oid = '${name}'::regclass) THEN
           DROP TABLE ${name};
         END IF;
       END $$`,
    );
  },
};

export const LIMITS: readonly Kind[] = [exhausted, locked, restored, blockedDay];

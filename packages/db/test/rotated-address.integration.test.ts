import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { secret, url, type Secret } from '@adtally/config';
import { emptyDatabase, uniqueName } from '@adtally/testkit';
import { sql } from 'kysely';
import { expect, onTestFinished, test } from 'vitest';
import { openDatabase, type Database } from '../src/database.ts';
import { WriterSession } from '../src/writer-session.ts';

interface Stage {
  readonly owner: Database;
  readonly address: Secret;
  /** Writes another role's address into the file. */
  turnTo(role: string): void;
  readonly before: string;
  readonly after: string;
}

/** A database, a file with its address, and two roles of the server to reach it as. */
async function stage(): Promise<Stage> {
  const database = await emptyDatabase();
  const owner = openDatabase(database.url, { applicationName: 'owner', maxConnections: 1 });
  const folder = mkdtempSync(join(tmpdir(), 'adtally-address-'));
  const file = join(folder, 'url');
  const base = uniqueName('role').replaceAll('-', '_');
  const [before, after] = [`${base}_before`, `${base}_after`];
  for (const role of [before, after]) {
    await sql`CREATE ROLE ${sql.id(role)} LOGIN PASSWORD ${sql.lit(`of-${role}`)}`.execute(owner);
  }
  onTestFinished(async () => {
    for (const role of [before, after]) await sql`DROP ROLE ${sql.id(role)}`.execute(owner);
    await owner.destroy();
    await database.drop();
    rmSync(folder, { recursive: true });
  });
  const turnTo = (role: string): void => {
    const address = new URL(database.url);
    address.username = role;
    address.password = `of-${role}`;
    writeFileSync(file, `${address.href}\n`);
  };
  turnTo(before);
  const field = secret(url('DATABASE_URL', { schemes: ['postgres', 'postgresql'], meaning: '' }));
  const reading = field.read({ DATABASE_URL_FILE: file });
  if ('problems' in reading) throw new Error(reading.problems.join());
  return { owner, address: reading.value, turnTo, before, after };
}

/** Takes the role its right to log in, and ends its sessions. */
async function revoke({ owner, before }: Stage): Promise<void> {
  await sql`ALTER ROLE ${sql.id(before)} NOLOGIN`.execute(owner);
  await sql`SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE usename = ${before}`.execute(
    owner,
  );
}

test('a pool makes its next connection by what the file holds then', async () => {
  const the = await stage();
  const db = openDatabase(the.address, { applicationName: 'pool', maxConnections: 1 });
  const whoAmI = async (): Promise<string | undefined> =>
    (await sql<{ me: string }>`SELECT current_user AS me`.execute(db)).rows[0]?.me;
  try {
    expect(await whoAmI()).toBe(the.before);
    the.turnTo(the.after);
    expect(await whoAmI()).toBe(the.before); // the connection that is there stays
    await revoke(the);
    // The statement that meets the loss may fail; the pool replaces the connection.
    const next = await whoAmI().catch(() => whoAmI());
    expect(next).toBe(the.after);
  } finally {
    await db.destroy();
  }
});

test('an address that is no longer right is refused until the file holds the new one', async () => {
  const the = await stage();
  const connect = (): Promise<WriterSession> =>
    WriterSession.connect({
      databaseUrl: the.address,
      applicationName: 'writer',
      lockTimeoutMs: 1_000,
      statementTimeoutMs: 5_000,
      connectTimeoutMs: 5_000,
    });
  const whoAmI = async (session: WriterSession): Promise<string | undefined> =>
    (await session.query<{ me: string }>('SELECT current_user AS me'))[0]?.me;
  const first = await connect();
  expect(await whoAmI(first)).toBe(the.before);
  await revoke(the);
  first.destroy();
  await expect(connect()).rejects.toThrow(/not permitted to log in|password authentication failed/);
  the.turnTo(the.after);
  const second = await connect();
  expect(await whoAmI(second)).toBe(the.after);
  await second.close();
});

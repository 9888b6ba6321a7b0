import { emptyDatabase } from '@adtally/testkit';
import { sql } from 'kysely';
import { expect, onTestFinished, test } from 'vitest';
import {
  auditDatabase,
  migrate,
  openDatabase,
  type Database,
  type DatabaseExecutor,
} from '../src/index.ts';
import { HOSTILE_SETTINGS, setHostileSettings } from '../testing/hostile-settings.ts';
import { openSession } from '../testing/writer-session.ts';
import { countedDatabase } from './counted-database.ts';

async function opened(url: string, statementTimeoutMs?: number): Promise<Database> {
  const db = openDatabase(url, {
    applicationName: 'test',
    maxConnections: 2,
    ...(statementTimeoutMs !== undefined && { statementTimeoutMs }),
  });
  onTestFinished(() => db.destroy());
  return db;
}

const NAMES = Object.keys(HOSTILE_SETTINGS);

async function settingsOf(db: DatabaseExecutor): Promise<Record<string, string>> {
  const { rows } = await sql<{ name: string; setting: string }>`
    SELECT lower(name) AS name, setting FROM pg_settings WHERE lower(name) = ANY(${NAMES})`.execute(
    db,
  );
  return Object.fromEntries(rows.map(({ name, setting }) => [name, setting]));
}

async function databases(of: 'database' | 'role') {
  const [plain, hostile] = await Promise.all([emptyDatabase(), emptyDatabase()]);
  onTestFinished(async () => void (await Promise.all([plain.drop(), hostile.drop()])));
  await setHostileSettings(hostile.url, of);
  return { plain: plain.url, hostile: hostile.url };
}

test.each(['database', 'role'] as const)(
  'whatever an owner set for a %s changes no setting of a pool or of the writer',
  async (of) => {
    const { plain, hostile } = await databases(of);
    for (const timeoutMs of [0, 20_000]) {
      const expected = await settingsOf(await opened(plain, timeoutMs));
      expect(Object.keys(expected)).toHaveLength(NAMES.length);
      expect(await settingsOf(await opened(hostile, timeoutMs))).toEqual(expected);
    }
    const writerSettings = async (url: string) => {
      const session = await openSession(url);
      onTestFinished(() => session.close());
      return await session.query(
        'SELECT name, setting FROM pg_settings WHERE lower(name) = ANY($1) ORDER BY name',
        [NAMES],
      );
    };
    expect(await writerSettings(hostile)).toEqual(await writerSettings(plain));
  },
);

test('nor what an address asks for', async () => {
  const { plain } = await databases('database');
  const url = new URL(plain);
  url.searchParams.set('options', '-c search_path=nowhere -c DateStyle=SQL,DMY');
  url.searchParams.set('statement_timeout', '200');
  expect(await settingsOf(await opened(url.href))).toEqual(await settingsOf(await opened(plain)));
});

test.each(['database', 'role'] as const)(
  'a hostile %s is migrated, written, read and audited as any other',
  async (of) => {
    const { hostile } = await databases(of);
    await migrate(hostile);
    expect((await migrate(hostile)).applied).toEqual([]);
    const db = await opened(hostile, 0);
    await countedDatabase(db);
    expect(await auditDatabase(db)).toMatchObject({
      balanced: true,
      totals: { consumed: 80, stored: 48, duplicate: 16, conflict: 8, dead_lettered: 8 },
    });
    const { rows } = await sql`
      SELECT timestamptz '2026-03-04 05:06:07.89+00' AS at, '\\x00ff5c'::bytea AS bytes,
        ARRAY[NULL, 1]::int[] AS list, 0.1::float8 + 0.2::float8 AS sum, 'é' AS text,
        interval '-1 day 2 hours'::text AS span, date '2026-03-04'::text AS day,
        ('{NULL}'::text[])[1] IS NULL AS null_read, (timestamptz '2026-03-04 23:30+00')::date::text AS utc_day`.execute(
      db,
    );
    expect(rows).toEqual([
      {
        at: new Date('2026-03-04T05:06:07.890Z'),
        bytes: Buffer.from([0x00, 0xff, 0x5c]),
        list: [null, 1],
        sum: 0.1 + 0.2,
        text: 'é',
        span: '-1 days +02:00:00',
        day: '2026-03-04',
        null_read: true,
        utc_day: '2026-03-04',
      },
    ]);
    // Longer than the owner lets a statement run, and its transaction lie idle.
    await sql`SELECT pg_sleep(0.3)`.execute(db);
    await db.transaction().execute(async (trx) => {
      await new Promise((resolve) => setTimeout(resolve, 300));
      await sql`SELECT 1`.execute(trx);
    });
  },
);

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { emptyDatabase } from '@adtally/testkit';
import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { openDatabase } from '../src/database.ts';
import { migrate } from '../src/migrate.ts';
import { readMigrationFiles } from '../src/migration-files.ts';
import { checkSchema, schemaVersion, SUPPORTED_SCHEMA_VERSION } from '../src/schema-version.ts';

const options = { applicationName: 'adtally-db-test' };

test('the supported schema version is the newest migration', async () => {
  expect((await readMigrationFiles()).at(-1)?.version).toBe(SUPPORTED_SCHEMA_VERSION);
});

test('migrations run at once in several places are applied once', async () => {
  await using database = await emptyDatabase();
  const results = await Promise.all([1, 2, 3].map(() => migrate(database.url)));
  expect(results.map((result) => result.version)).toEqual(
    results.map(() => SUPPORTED_SCHEMA_VERSION),
  );
  expect(results.flatMap((result) => result.applied)).toHaveLength(SUPPORTED_SCHEMA_VERSION);
  expect((await migrate(database.url)).applied).toEqual([]);
});

test('a service refuses an older and a newer schema, naming both versions', async () => {
  await using database = await emptyDatabase();
  const db = openDatabase(database.url, options);
  try {
    expect(await checkSchema(db)).toMatchObject({ ok: false, version: 0 });
    await migrate(database.url);
    expect(await checkSchema(db)).toEqual({ ok: true, version: SUPPORTED_SCHEMA_VERSION });
    await sql`INSERT INTO kysely_migration VALUES ('0999_future', '')`.execute(db);
    const problem = `the database has schema version 999, this build supports ${SUPPORTED_SCHEMA_VERSION}: run a newer build of this service`;
    expect(await checkSchema(db)).toMatchObject({ ok: false, problem });
    await expect(migrate(database.url)).rejects.toThrow('schema version 999');
    await sql`INSERT INTO schema_versions VALUES (999, ${SUPPORTED_SCHEMA_VERSION})`.execute(db);
    expect(await checkSchema(db), 'a newer schema that serves this build').toEqual({
      ok: true,
      version: 999,
    });
  } finally {
    await db.destroy();
  }
});

async function withMigrations(
  files: Readonly<Record<string, string>>,
  run: (directory: string) => Promise<void>,
): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'adtally-migrations-'));
  try {
    for (const [name, text] of Object.entries(files)) await writeFile(join(directory, name), text);
    await run(directory);
  } finally {
    await rm(directory, { recursive: true });
  }
}

test('a migration that fails leaves nothing of itself and everything before it', async () => {
  await using database = await emptyDatabase();
  const files = {
    '0001_good.sql': 'CREATE TABLE good (i int);',
    '0002_bad.sql': 'CREATE TABLE half (i int); SELECT 1/0;',
  };
  await withMigrations(files, async (directory) => {
    await expect(migrate(database.url, { directory })).rejects.toThrow('0002_bad');
  });
  const db = openDatabase(database.url, options);
  try {
    expect(await schemaVersion(db)).toBe(1);
    const half = await sql<{ half: string | null }>`SELECT to_regclass('half') AS half`.execute(db);
    expect(half.rows).toEqual([{ half: null }]);
  } finally {
    await db.destroy();
  }
});

test('a file headed no-transaction may build an index concurrently, also while others wait', async () => {
  await using database = await emptyDatabase();
  const files = {
    '0001_table.sql': 'CREATE TABLE t (i int);',
    '0002_index.sql': '--! no-transaction\nCREATE INDEX CONCURRENTLY t_i ON t (i);',
  };
  await withMigrations(files, async (directory) => {
    const results = await Promise.all([1, 2].map(() => migrate(database.url, { directory })));
    expect(results.map((result) => result.version)).toEqual([2, 2]);
  });
});

test('a misnumbered file or an unknown header is refused', async () => {
  await withMigrations({ '0002_second.sql': 'SELECT 1' }, async (directory) => {
    await expect(readMigrationFiles(directory)).rejects.toThrow('0001_words.sql');
  });
  await withMigrations({ '0001_x.sql': '--! no-transactoin\nSELECT 1' }, async (directory) => {
    await expect(readMigrationFiles(directory)).rejects.toThrow('unknown header');
  });
});

test('int8 reads as bigint through the pool and as ever elsewhere', async () => {
  await using database = await emptyDatabase();
  const db = openDatabase(database.url, options);
  try {
    const { rows } = await sql<{ big: bigint; small: number }>`
      SELECT 9007199254740993::int8 AS big, 7::int4 AS small`.execute(db);
    expect(rows).toEqual([{ big: 9007199254740993n, small: 7 }]);
  } finally {
    await db.destroy();
  }
});

test('every migration says which builds its schema serves', async () => {
  await using database = await emptyDatabase();
  await migrate(database.url);
  const db = openDatabase(database.url, options);
  try {
    const { rows } = await sql<{ version: number }>`
      SELECT version FROM schema_versions ORDER BY version`.execute(db);
    expect(rows.map((row) => row.version)).toEqual(
      (await readMigrationFiles()).map((file) => file.version),
    );
  } finally {
    await db.destroy();
  }
});

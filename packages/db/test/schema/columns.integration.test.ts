import { PAYLOAD_COLUMNS } from '@adtally/event-schema';
import { sql } from 'kysely';
import { expect, test } from 'vitest';
import type { Schema } from '../../src/schema.ts';
import { WRITTEN_COLUMNS } from '../../src/table-columns.ts';
import { migratedDatabase } from '../../testing/migrated-database.ts';
import { ALERTING_COLUMNS } from './alerting-columns.ts';
import type { ColumnsOf } from './columns-of.ts';
import { COUNTING_COLUMNS } from './counting-columns.ts';
import { LETTER_COLUMNS } from './letter-columns.ts';
import { ROLLUP_AND_REPLAY_COLUMNS } from './rollup-and-replay-columns.ts';

// The compiler keeps this list equal to the types; the test keeps it equal to the database.
const COLUMNS = {
  ...COUNTING_COLUMNS,
  ...LETTER_COLUMNS,
  ...ALERTING_COLUMNS,
  ...ROLLUP_AND_REPLAY_COLUMNS,
} as const satisfies ColumnsOf<keyof Schema>;

interface Column {
  readonly table: string;
  readonly name: string;
  readonly type: string;
  readonly required: boolean;
}

const allColumns = sql<Column>`
  SELECT CASE n.nspname WHEN 'public' THEN '' ELSE n.nspname || '.' END || c.relname AS "table", a.attname AS name, a.atttypid::regtype::text AS type, a.attnotnull AS required
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid
  WHERE n.nspname IN ('public', 'restored') AND c.relkind IN ('r', 'p') AND NOT c.relispartition
    AND a.attnum > 0 AND NOT a.attisdropped AND c.relname NOT LIKE 'kysely%'
  ORDER BY 1, a.attnum`;

test('the tables Kysely is told of are those of the migrated database, column by column', async () => {
  await using database = await migratedDatabase();
  const { rows } = await allColumns.execute(database.db);
  const told = Object.entries(COLUMNS).flatMap(([table, columns]) =>
    Object.keys(columns).map((name) => `${table}.${name}`),
  );
  // A field of the contract is declared in its own table only: the next test compares those.
  const fields = new Set(
    ['events', 'restored.events'].flatMap((table) =>
      PAYLOAD_COLUMNS.map((column) => `${table}.${column.name}`),
    ),
  );
  const found = rows.map((row) => `${row.table}.${row.name}`);
  const withoutFields = (names: string[]) => names.filter((name) => !fields.has(name)).toSorted();
  expect(withoutFields(found)).toEqual(withoutFields(told));
  expect(found).toEqual(expect.arrayContaining(told));
});

test('a restored day has the columns of events, in their order', async () => {
  await using database = await migratedDatabase();
  const { rows } = await allColumns.execute(database.db);
  const columnsOf = (table: string) =>
    rows
      .filter((row) => row.table === table)
      .map(({ name, type, required }) => ({ name, type, required }));
  expect(columnsOf('events').length).toBeGreaterThan(0);
  expect(columnsOf('restored.events')).toEqual(columnsOf('events'));
});

test('the declared fields and what the encoders write are the columns of events, types included', async () => {
  await using database = await migratedDatabase();
  const { rows } = await allColumns.execute(database.db);
  const events = rows.filter((row) => row.table === 'events');
  const types = await sql<{ name: string; type: string }>`
    SELECT name, type::regtype::text AS type
    FROM jsonb_to_recordset(${JSON.stringify(WRITTEN_COLUMNS)}::jsonb) AS w (name text, type text)`.execute(
    database.db,
  );
  const byName = (a: { name: string }, b: { name: string }) => a.name.localeCompare(b.name);
  expect(types.rows.toSorted(byName)).toEqual(
    events.map(({ name, type }) => ({ name, type })).toSorted(byName),
  );
  const optional = PAYLOAD_COLUMNS.filter((column) => column.nullable).map((column) => column.name);
  expect(
    events
      .filter((row) => !row.required)
      .map((row) => row.name)
      .toSorted(),
  ).toEqual(optional.toSorted());
});

import { readFileSync } from 'node:fs';
import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { ROLES } from '../src/roles/rights.ts';
import { migratedDatabase } from '../testing/migrated-database.ts';

const README = new URL('../../../README.md', import.meta.url);
const ROW = /^\| `(?<name>\w+)` \| `(?<columns>[\w, ]+)` \|$/;

/** What the README says that may be relied on: names of relations, and their columns in order. */
function published(): Record<string, string[]> {
  const [, section = ''] =
    /<!-- views -->([^]*)<!-- end of views -->/.exec(readFileSync(README, 'utf8')) ?? [];
  const rows = section
    .split('\n')
    .map((line) => ROW.exec(line)?.groups)
    .filter((groups) => groups !== undefined);
  return Object.fromEntries(
    rows.map(({ name = '', columns = '' }) => [name, columns.split(', ')] as const),
  );
}

test('the views and columns that the README publishes are those of the database, and the analyst may read them', async () => {
  await using database = await migratedDatabase();
  const names = Object.keys(published());
  const { rows } = await sql<{ name: string; columns: string[] }>`
    SELECT c.relname::text AS name, array_agg(a.attname::text ORDER BY a.attnum) AS columns
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    WHERE c.relnamespace = 'public'::regnamespace AND (c.relkind = 'v' OR c.relname = ANY (${names}::text[]))
    GROUP BY 1`.execute(database.db);
  expect(published()).toEqual(Object.fromEntries(rows.map(({ name, columns }) => [name, columns])));
  const analyst = ROLES.find(({ name }) => name === 'adtally_analyst');
  expect(analyst?.reads).toEqual(expect.arrayContaining([...names, 'events', 'sources']));
});

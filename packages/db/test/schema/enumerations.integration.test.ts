import { EVENT_TYPES } from '@adtally/event-schema';
import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { DEAD_LETTER_STATES, NOTIFICATION_KINDS, SOURCE_KINDS } from '../../src/schema.ts';
import { migratedDatabase } from '../../src/testing/migrated-database.ts';

test('the enumerations of the code are those of the database', async () => {
  await using database = await migratedDatabase();
  const { rows } = await sql<{ label: string }>`
    SELECT unnest(enum_range(NULL::event_type))::text AS label`.execute(database.db);
  expect(rows.map((row) => row.label)).toEqual(EVENT_TYPES);
  const checks = await sql<{ table: string; check: string }>`
    SELECT conrelid::regclass::text AS "table", pg_get_constraintdef(oid) AS "check" FROM pg_constraint
    WHERE contype = 'c' AND conname IN ('sources_kind_check', 'dead_letters_state_check', 'notifications_kind_check')
    ORDER BY 1`.execute(database.db);
  const labels = checks.rows.map(({ check }) =>
    [...check.matchAll(/'(\w+)'/g)].map((match) => match[1]),
  );
  expect(labels).toEqual([DEAD_LETTER_STATES, NOTIFICATION_KINDS, SOURCE_KINDS]);
});

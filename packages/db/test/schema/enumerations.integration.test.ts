import { EVENT_TYPES } from '@adtally/event-schema';
import { sql, type Selectable } from 'kysely';
import { expect, test } from 'vitest';
import type { Schema } from '../../src/schema.ts';
import { migratedDatabase } from '../../testing/migrated-database.ts';

/** The labels of a column as the types have them, no more and no less: the compiler refuses else. */
type Labels<T extends keyof Schema, C extends keyof Selectable<Schema[T]>> = Readonly<
  Record<Extract<Selectable<Schema[T]>[C], string>, 1>
>;

const RUN_STATES = { running: 1, paused: 1, cancelled: 1, done: 1 } as const;
const STATUSES = { firing: 1, resolved: 1 } as const;

// The compiler keeps these lists equal to the types; the test keeps them equal to the database.
const LABELS = {
  'sources.kind': { events: 1, dlq: 1, redrive: 1, replay: 1 } satisfies Labels<'sources', 'kind'>,
  'dead_letters.state': {
    unconfirmed: 1,
    pending: 1,
    resolved: 1,
    dead: 1,
    discarded: 1,
    orphan: 1,
  } satisfies Labels<'dead_letters', 'state'>,
  'dead_letters.outcome': { stored: 1, duplicate: 1, conflict: 1 } satisfies Labels<
    'dead_letters',
    'outcome'
  >,
  'dead_letters.discarded_from': { pending: 1, dead: 1 } satisfies Labels<
    'dead_letters',
    'discarded_from'
  >,
  'dead_letter_attempts.outcome': {
    stored: 1,
    duplicate: 1,
    conflict: 1,
    failed: 1,
    lapsed: 1,
  } satisfies Labels<'dead_letter_attempts', 'outcome'>,
  'redrive_jobs.state': RUN_STATES satisfies Labels<'redrive_jobs', 'state'>,
  'redrive_receipts.outcome': {
    stored: 1,
    duplicate: 1,
    conflict: 1,
    failed: 1,
    dead: 1,
    skipped: 1,
  } satisfies Labels<'redrive_receipts', 'outcome'>,
  'topic_rules.value_format': { plain: 1, auto: 1 } satisfies Labels<'topic_rules', 'value_format'>,
  'misrouted_sources.cause': { key: 1, partition: 1 } satisfies Labels<
    'misrouted_sources',
    'cause'
  >,
  'notification_requests.status': STATUSES satisfies Labels<'notification_requests', 'status'>,
  'incidents.status': STATUSES satisfies Labels<'incidents', 'status'>,
  'notifications.kind': { firing: 1, update: 1, repeat: 1, resolved: 1 } satisfies Labels<
    'notifications',
    'kind'
  >,
  'notifications.state': { waiting: 1, sent: 1, failed: 1, superseded: 1 } satisfies Labels<
    'notifications',
    'state'
  >,
  'partition_reports.state': { waiting: 1, owned: 1, halted: 1 } satisfies Labels<
    'partition_reports',
    'state'
  >,
  'partition_lag.kind': { events: 1, dlq: 1 } satisfies Labels<'partition_lag', 'kind'>,
  'partition_lag.age_from': { append_time: 1, cursor_moved: 1 } satisfies Labels<
    'partition_lag',
    'age_from'
  >,
  'partition_lag.state': { owned: 1, waiting: 1, halted: 1, not_granted: 1 } satisfies Labels<
    'partition_lag',
    'state'
  >,
  'audit_results.scope': { full: 1, days: 1, recent: 1 } satisfies Labels<'audit_results', 'scope'>,
  'replay_runs.state': { running: 1, paused: 1, cancelled: 1 } satisfies Labels<
    'replay_runs',
    'state'
  >,
  'backfill_runs.state': { ...RUN_STATES, failed: 1 } satisfies Labels<'backfill_runs', 'state'>,
};

test('the event types of the code are those of the database, in their order', async () => {
  await using database = await migratedDatabase();
  const { rows } = await sql<{ label: string }>`
    SELECT unnest(enum_range(NULL::event_type))::text AS label`.execute(database.db);
  expect(rows.map((row) => row.label)).toEqual(EVENT_TYPES);
});

test('every column that a CHECK holds to a list of words has that list as its type', async () => {
  await using database = await migratedDatabase();
  const { rows } = await sql<{ table: string; check: string }>`
    SELECT conrelid::regclass::text AS "table", pg_get_constraintdef(oid) AS "check"
    FROM pg_constraint WHERE contype = 'c' AND cardinality(conkey) = 1`.execute(database.db);
  const found = rows.flatMap(({ table, check }) => {
    const [, column, labels = ''] =
      /^CHECK \(\((\w+) = ANY \(ARRAY\[(.*)\]\)\)\)$/.exec(check) ?? [];
    if (column === undefined) return [];
    const words = [...labels.matchAll(/'([^']+)'/g)].map(([, label]) => label);
    return [[`${table}.${column}`, words.toSorted()] as const];
  });
  expect(Object.fromEntries(found)).toEqual(
    Object.fromEntries(
      Object.entries(LABELS).map(([column, labels]) => [column, Object.keys(labels).toSorted()]),
    ),
  );
});

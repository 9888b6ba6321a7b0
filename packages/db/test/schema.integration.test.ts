import { EVENT_TYPES, PAYLOAD_COLUMNS } from '@adtally/event-schema';
import { sql } from 'kysely';
import { expect, test } from 'vitest';
import {
  DEAD_LETTER_STATES,
  NOTIFICATION_KINDS,
  type Schema,
  SOURCE_KINDS,
} from '../src/schema.ts';
import { WRITTEN_COLUMNS } from '../src/table-columns.ts';
import { migratedDatabase } from '../src/testing/migrated-database.ts';

const ROLLUP = {
  version: 1,
  cohort: 1,
  hour: 1,
  campaign_id: 1,
  currency: 1,
  impressions: 1,
  clicks: 1,
  click_conversions: 1,
  view_conversions: 1,
  unmatched_clicks: 1,
  unmatched_conversions: 1,
  early_clicks: 1,
  early_conversions: 1,
  spend_micros: 1,
  click_value_micros: 1,
  view_value_micros: 1,
  unmatched_spend_micros: 1,
  unmatched_value_micros: 1,
  invalid_spend_micros: 1,
  invalid_value_micros: 1,
} as const;

// The compiler keeps this list equal to the types; the test keeps it equal to the database.
const COLUMNS = {
  schema_versions: { version: 1, oldest_build: 1 },
  sources: {
    source_id: 1,
    kind: 1,
    topic: 1,
    topic_id: 1,
    partition: 1,
    run: 1,
    created_at: 1,
    closed_at: 1,
  },
  ledger: {
    source_id: 1,
    first_offset: 1,
    end_offset: 1,
    epoch: 1,
    consumed: 1,
    stored: 1,
    duplicate: 1,
    conflict: 1,
    dead_lettered: 1,
    gap: 1,
    lost: 1,
    stored_fingerprint: 1,
    purged: 1,
    purged_fingerprint: 1,
    committed_at: 1,
  },
  cursors: {
    source_id: 1,
    next_offset: 1,
    epoch: 1,
    owner: 1,
    backend_pid: 1,
    backend_start: 1,
    claimed_at: 1,
    known_end_offset: 1,
    halted_code: 1,
    halted_detail: 1,
    halted_resume_at: 1,
    halted_at: 1,
  },
  operator_actions: {
    action_id: 1,
    acted_at: 1,
    actor: 1,
    action: 1,
    source_id: 1,
    reason: 1,
    detail: 1,
  },
  events: {
    occurred_at: 1,
    amount_micros: 1,
    source_offset: 1,
    source_id: 1,
    event_type: 1,
    impression_id: 1,
    event_key: 1,
    click_id: 1,
    currency: 1,
    campaign_id: 1,
    creative_id: 1,
    placement_id: 1,
    conversion_id: 1,
  },
  conflicts: {
    source_id: 1,
    source_offset: 1,
    impression_id: 1,
    event_key: 1,
    record_key: 1,
    record_value: 1,
    record_headers: 1,
    recorded_at: 1,
  },
  dead_letter_refs: {
    source_id: 1,
    source_offset: 1,
    code: 1,
    record_sha256: 1,
    recorded_at: 1,
    append_ms: 1,
  },
  dead_letters: {
    letter_id: 1,
    source_id: 1,
    source_offset: 1,
    record_sha256: 1,
    state: 1,
    code: 1,
    last_code: 1,
    last_field: 1,
    last_message: 1,
    fingerprint: 1,
    app: 1,
    app_version: 1,
    append_ms: 1,
    dlq_source_id: 1,
    dlq_offset: 1,
    dlq_append_ms: 1,
    lane: 1,
    recorded_at: 1,
    series: 1,
    attempts: 1,
    attempts_max: 1,
    next_attempt_at: 1,
    lease_epoch: 1,
    is_suspect: 1,
    is_exhausted: 1,
    outcome: 1,
    impression_id: 1,
    event_key: 1,
    settled_at: 1,
    job_id: 1,
    discarded_from: 1,
    discard_action: 1,
  },
  dead_letter_records: {
    letter_id: 1,
    record_key: 1,
    record_value: 1,
    record_headers: 1,
    recorded_at: 1,
  },
  dead_letter_attempts: {
    letter_id: 1,
    series: 1,
    attempt: 1,
    started_at: 1,
    finished_at: 1,
    outcome: 1,
    code: 1,
    message: 1,
    app_version: 1,
    source_id: 1,
    source_offset: 1,
  },
  redrive_jobs: {
    job_id: 1,
    actor: 1,
    reason: 1,
    filter: 1,
    rate: 1,
    state: 1,
    total: 1,
    admitted: 1,
    created_at: 1,
    paced_from: 1,
    paced_base: 1,
    finished_at: 1,
  },
  redrive_receipts: {
    job_id: 1,
    letter_id: 1,
    place: 1,
    series: 1,
    outcome: 1,
    changed_at: 1,
  },
  write_guards: { only_row: 1, horizon_ms: 1, frontier_ms: 1 },
  notification_requests: {
    request_id: 1,
    alert: 1,
    alert_key: 1,
    status: 1,
    summary: 1,
    detail: 1,
    requested_by: 1,
    requested_at: 1,
    taken_at: 1,
  },
  alerter_lease: {
    only_row: 1,
    epoch: 1,
    owner: 1,
    topic: 1,
    backend_pid: 1,
    backend_start: 1,
    renewed_at: 1,
  },
  dead_topic_positions: {
    topic: 1,
    topic_id: 1,
    partition: 1,
    next_offset: 1,
    last_append_at: 1,
  },
  dead_letter_arrivals: {
    topic: 1,
    letter: 1,
    appended_at: 1,
    partition: 1,
    dead_offset: 1,
    cause: 1,
    origin: 1,
    evaluated: 1,
  },
  incidents: {
    incident_id: 1,
    incident_uid: 1,
    alert: 1,
    alert_key: 1,
    status: 1,
    opened_at: 1,
    starts_at: 1,
    ends_at: 1,
    breached_at: 1,
    breached_until: 1,
    letters: 1,
    summary: 1,
    detail: 1,
    detected_late: 1,
    revision: 1,
    told_at: 1,
    has_news: 1,
    acknowledged_at: 1,
    acknowledged_by: 1,
  },
  notifications: {
    notification_id: 1,
    incident_id: 1,
    revision: 1,
    sink: 1,
    kind: 1,
    message: 1,
    state: 1,
    attempts: 1,
    refusals: 1,
    next_attempt_at: 1,
    claimed_epoch: 1,
    claimed_at: 1,
    settled_at: 1,
    last_error: 1,
    created_at: 1,
  },
  late_notes: {
    note_id: 1,
    noted_at: 1,
    source_ids: 1,
    first_offsets: 1,
    end_offsets: 1,
    impressions: 1,
    impression_ids: 1,
  },
  rollup_versions: {
    version: 1,
    algorithm: 1,
    window_ms: 1,
    tolerance_ms: 1,
    claimed_through: 1,
    created_at: 1,
  },
  rollup_bases: {
    version: 1,
    first_cohort: 1,
    last_cohort: 1,
    seen_sources: 1,
    seen_offsets: 1,
    events: 1,
    taken_at: 1,
    run_id: 1,
  },
  rollup_progress: { only_row: 1, applied_sources: 1, applied_offsets: 1 },
  rollup_by_campaign: ROLLUP,
  rollup_by_creative: { ...ROLLUP, creative_id: 1 },
  rollup_by_placement: { ...ROLLUP, placement_id: 1 },
  rollup_promotion: { only_row: 1, version: 1, previous_version: 1, promoted_at: 1 },
  backfill_runs: {
    run_id: 1,
    version: 1,
    first_cohort: 1,
    last_cohort: 1,
    state: 1,
    rate: 1,
    actor: 1,
    started_at: 1,
    seen_at: 1,
    ended_at: 1,
  },
  replay_runs: {
    run_id: 1,
    topic: 1,
    topic_id: 1,
    rate: 1,
    actor: 1,
    reason: 1,
    started_at: 1,
    ended_at: 1,
  },
  replay_progress: {
    run_id: 1,
    partition: 1,
    source_id: 1,
    events_source_id: 1,
    first_offset: 1,
    end_offset: 1,
    next_offset: 1,
    written: 1,
    rejected: 1,
    refused: 1,
    discarded: 1,
    known_conflicts: 1,
    missing: 1,
    codes: 1,
    beyond_cursor: 1,
  },
} as const satisfies { readonly [T in keyof Schema]: Readonly<Record<keyof Schema[T], 1>> };

interface Column {
  readonly table: string;
  readonly name: string;
  readonly type: string;
  readonly required: boolean;
}

const allColumns = sql<Column>`
  SELECT c.relname AS "table", a.attname AS name, a.atttypid::regtype::text AS type, a.attnotnull AS required
  FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
  WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
    AND a.attnum > 0 AND NOT a.attisdropped AND c.relname NOT LIKE 'kysely%'
  ORDER BY 1, a.attnum`;

test('the tables Kysely is told of are those of the migrated database, column by column', async () => {
  await using database = await migratedDatabase();
  const { rows } = await allColumns.execute(database.db);
  const told = Object.entries(COLUMNS).flatMap(([table, columns]) =>
    Object.keys(columns).map((name) => `${table}.${name}`),
  );
  // A field of the contract is declared in its own table only: the next test compares those.
  const fields = new Set(PAYLOAD_COLUMNS.map((column) => `events.${column.name}`));
  const found = rows.map((row) => `${row.table}.${row.name}`);
  const withoutFields = (names: string[]) => names.filter((name) => !fields.has(name)).toSorted();
  expect(withoutFields(found)).toEqual(withoutFields(told));
  expect(found).toEqual(expect.arrayContaining(told));
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

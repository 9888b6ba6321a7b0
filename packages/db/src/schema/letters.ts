import type { ColumnType, Generated, GeneratedAlways } from 'kysely';
import type { Bytes, NullableBytes } from './bytes.ts';
import type { ServerTime } from './server-time.ts';

// Dead letters and what people order for them (migrations 0002, 0005, 0007, 0024).

export interface DeadLetterRefsTable {
  source_id: number;
  source_offset: bigint;
  code: string;
  record_sha256: Bytes;
  recorded_at: ServerTime;
  append_ms: bigint | null;
}

export const DEAD_LETTER_STATES = [
  'unconfirmed',
  'pending',
  'resolved',
  'dead',
  'discarded',
  'orphan',
] as const;
export type DeadLetterState = (typeof DEAD_LETTER_STATES)[number];

export interface DeadLettersTable {
  letter_id: GeneratedAlways<bigint>;
  source_id: number | null;
  source_offset: bigint;
  record_sha256: Bytes;
  state: DeadLetterState;
  code: string;
  last_code: string;
  last_field: Generated<string>;
  last_message: Generated<string>;
  fingerprint: string;
  app: Generated<string>;
  app_version: Generated<string>;
  append_ms: bigint | null;
  dlq_source_id: number | null;
  dlq_offset: bigint | null;
  dlq_append_ms: bigint | null;
  lane: number;
  recorded_at: ServerTime;
  series: Generated<number>;
  attempts: Generated<number>;
  attempts_max: Generated<number>;
  next_attempt_at: Date | null;
  lease_epoch: bigint | null;
  is_suspect: Generated<boolean>;
  is_exhausted: Generated<boolean>;
  outcome: 'stored' | 'duplicate' | 'conflict' | null;
  impression_id: string | null;
  event_key: string | null;
  settled_at: Date | null;
  job_id: bigint | null;
  discarded_from: 'pending' | 'dead' | null;
  discard_action: bigint | null;
  claimed_source: string | null;
  claimed_campaign: string | null;
  claimed_version: string | null;
}

export interface DeadLetterRecordsTable {
  letter_id: bigint;
  record_key: NullableBytes;
  record_value: NullableBytes;
  record_headers: Bytes;
  recorded_at: ServerTime;
}

export interface DeadLetterAttemptsTable {
  letter_id: bigint;
  series: number;
  attempt: number;
  started_at: ServerTime;
  finished_at: Date | null;
  outcome: 'stored' | 'duplicate' | 'conflict' | 'failed' | 'lapsed' | null;
  code: string | null;
  message: string | null;
  app_version: string;
  source_id: number | null;
  source_offset: bigint | null;
}

export type RedriveJobState = 'running' | 'paused' | 'cancelled' | 'done';

export interface RedriveJobsTable {
  job_id: GeneratedAlways<bigint>;
  actor: string;
  reason: string;
  filter: ColumnType<unknown, string, never>;
  rate: number;
  state: Generated<RedriveJobState>;
  total: number;
  admitted: Generated<number>;
  created_at: ServerTime;
  paced_from: ColumnType<Date, never, Date>;
  paced_base: Generated<number>;
  finished_at: Date | null;
  accept_future: Generated<boolean>;
}

export interface RedriveReceiptsTable {
  job_id: bigint;
  letter_id: bigint;
  place: number;
  series: number | null;
  outcome: 'stored' | 'duplicate' | 'conflict' | 'failed' | 'dead' | 'skipped' | null;
  changed_at: Date | null;
}

import type { ColumnType, Generated, GeneratedAlways } from 'kysely';
import type { ServerTime } from './server-time.ts';

// Ranges of the events topic read again (migrations 0009 and 0029).

/** What an operator ordered; more than that is told by progress and sessions. */
export type ReplayOrdered = 'running' | 'paused' | 'cancelled';

export interface ReplayRunsTable {
  run_id: GeneratedAlways<bigint>;
  topic: string;
  topic_id: string;
  rate: number | null;
  state: Generated<ReplayOrdered>;
  actor: string;
  reason: string;
  started_at: ServerTime;
  ended_at: Date | null;
}

export interface ReplayProgressTable {
  run_id: bigint;
  partition: number;
  source_id: number;
  events_source_id: number;
  first_offset: bigint;
  end_offset: bigint;
  next_offset: bigint;
  written: Generated<bigint>;
  rejected: Generated<bigint>;
  refused: Generated<bigint>;
  discarded: Generated<bigint>;
  known_conflicts: Generated<bigint>;
  gap: Generated<bigint>;
  missing: Generated<bigint>;
  codes: ColumnType<unknown, string | undefined, string>;
  beyond_cursor: Generated<bigint>;
}

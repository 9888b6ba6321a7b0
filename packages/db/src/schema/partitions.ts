import type { ServerTime } from './server-time.ts';

// What is known of a partition beside its cursor (migration 0012).

export interface PartitionReportsTable {
  topic: string;
  partition: number;
  consumer_group: string;
  owner: string;
  state: 'waiting' | 'owned' | 'halted';
  reason_code: string | null;
  reason_detail: string | null;
  since: Date;
  reported_at: ServerTime;
}

export interface PartitionLagTable {
  kind: 'events' | 'dlq';
  topic: string;
  partition: number;
  source_id: number | null;
  next_offset: bigint | null;
  end_offset: bigint | null;
  lag_records: bigint | null;
  lag_seconds: number | null;
  age_from: 'append_time' | 'cursor_moved' | null;
  state: 'owned' | 'waiting' | 'halted' | 'not_granted';
  owner: string | null;
  stuck_code: string | null;
  stuck_detail: string | null;
  stuck_since: Date | null;
  observed_at: ServerTime;
}

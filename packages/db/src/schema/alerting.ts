import type { ColumnType, Generated, GeneratedAlways } from 'kysely';
import type { ServerTime } from './server-time.ts';

// Who is told what (migrations 0004, 0006).

export interface NotificationRequestsTable {
  request_id: GeneratedAlways<bigint>;
  alert: string;
  alert_key: string;
  status: 'firing' | 'resolved';
  summary: string;
  detail: ColumnType<unknown, string | undefined, never>;
  requested_by: string;
  requested_at: ServerTime;
  taken_at: Date | null;
}

export interface AlerterLeaseTable {
  only_row: Generated<boolean>;
  epoch: Generated<bigint>;
  owner: string | null;
  topic: string | null;
  backend_pid: number | null;
  backend_start: Date | null;
  renewed_at: Generated<Date>;
}

export interface DeadTopicPositionsTable {
  topic: string;
  topic_id: string;
  partition: number;
  next_offset: bigint;
  last_append_at: Date | null;
}

export interface DeadLetterArrivalsTable {
  topic: string;
  letter: string;
  appended_at: Date;
  partition: number;
  dead_offset: bigint;
  cause: string;
  origin: string;
  evaluated: Generated<boolean>;
  fingerprint: Generated<string>;
  claimed_source: Generated<string>;
}

export interface IncidentsTable {
  incident_id: GeneratedAlways<bigint>;
  incident_uid: Generated<string>;
  alert: string;
  alert_key: string;
  status: 'firing' | 'resolved';
  opened_at: ServerTime;
  starts_at: Date;
  ends_at: Date | null;
  breached_at: Date | null;
  breached_until: Date | null;
  letters: Generated<bigint>;
  summary: string;
  detail: ColumnType<unknown, string | undefined, string>;
  detected_late: Generated<boolean>;
  revision: Generated<number>;
  told_at: Date | null;
  has_news: Generated<boolean>;
  acknowledged_at: Date | null;
  acknowledged_by: string | null;
}

export const NOTIFICATION_KINDS = ['firing', 'update', 'repeat', 'resolved'] as const;
export type NotificationKind = (typeof NOTIFICATION_KINDS)[number];

export interface NotificationsTable {
  notification_id: GeneratedAlways<bigint>;
  incident_id: bigint;
  revision: number;
  sink: string;
  kind: NotificationKind;
  message: ColumnType<unknown, string, never>;
  state: Generated<'waiting' | 'sent' | 'failed' | 'superseded'>;
  attempts: Generated<number>;
  refusals: Generated<number>;
  next_attempt_at: Generated<Date>;
  claimed_epoch: bigint | null;
  claimed_at: Date | null;
  settled_at: Date | null;
  last_error: string | null;
  created_at: ServerTime;
}

import type { ColumnType, Generated } from 'kysely';
import type { ServerTime } from './server-time.ts';

// What is known of a topic whatever its partitions are (migrations 0020, 0024, 0034).

export interface TopicRulesTable {
  topic: string;
  value_format: Generated<'plain' | 'auto'>;
  amounts_as_strings: Generated<boolean>;
  future_tolerance_seconds: Generated<number>;
  changed_at: ColumnType<Date, never, Date>;
}

export interface TopicSharesTable {
  topic: string;
  partitions: number[];
  noted_at: ServerTime;
}

export interface MisroutedSourcesTable {
  topic: string;
  source: string;
  cause: 'key' | 'partition';
  records: bigint;
  first_seen_at: ServerTime;
  last_seen_at: ColumnType<Date, never, Date>;
  partition: number;
  source_offset: bigint;
  detail: string;
}

export interface ReadingLimitsTable {
  topic: string;
  record_max_bytes: number;
  json_max_depth: number;
  read_as_newest: number[];
  app_version: string;
  told_by: string;
  told_at: ColumnType<Date, never, Date>;
}

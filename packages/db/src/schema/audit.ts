import type { ServerTime } from './server-time.ts';

/** What a check of the audit last said (migrations 0013, 0027). */
export interface AuditResultsTable {
  scope: AuditScope;
  check_id: string;
  holds: boolean;
  offence: string | null;
  checked_by: string;
  checked_at: ServerTime;
}

/** `full`: every row. `days`: what was counted since yesterday began. `recent`: the newest ledger rows of each source. */
export type AuditScope = 'full' | 'days' | 'recent';

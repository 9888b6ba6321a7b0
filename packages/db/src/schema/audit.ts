import type { ServerTime } from './server-time.ts';

/** What a check of the audit last said (migration 0013). */
export interface AuditResultsTable {
  scope: AuditScope;
  check_id: string;
  holds: boolean;
  offence: string | null;
  checked_by: string;
  checked_at: ServerTime;
}

/** `full`: every row. `recent`: the newest ledger rows of each source. */
export type AuditScope = 'full' | 'recent';

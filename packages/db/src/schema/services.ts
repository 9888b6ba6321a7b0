import type { ServerTime } from './server-time.ts';

// Processes of every service, as each says of itself (migration 0025).

export interface ServiceProcessesTable {
  service: string;
  process: string;
  started_at: ServerTime;
  said_at: ServerTime;
  worked_at: Date | null;
  ended_at: Date | null;
}

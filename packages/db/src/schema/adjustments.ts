import type { EventType } from '@adtally/event-schema';
import type { GeneratedAlways } from 'kysely';
import type { ServerTime } from './server-time.ts';

// Money booked by hand beside the figures (migration 0023, docs/adr/0031).

export interface AdjustmentsTable {
  adjustment_id: GeneratedAlways<bigint>;
  booked_at: ServerTime;
  actor: string;
  reason: string;
  action_id: bigint;
  source_id: number;
  source_offset: bigint;
  impression_id: string;
  event_key: string;
  event_type: EventType;
  occurred_at: Date;
  campaign_id: string;
  creative_id: string;
  placement_id: string;
  amount_micros: bigint;
  currency: string;
  booking: number;
  undoes: bigint | null;
}

import { encodeEvent, type AdEvent } from '@adtally/event-schema';
import type { Message } from './in-process-ingest.ts';

/** 2026-01-31 12:00 UTC. */
export const BORN_MS = 1_769_860_800_000;

/** The impression number `n`, valid by the contract. */
export function shown(n: number, campaign = 'campaign-1'): Message {
  const time = BORN_MS.toString(16).padStart(12, '0');
  const id = `${time.slice(0, 8)}-${time.slice(8)}-7000-8000-${n.toString(16).padStart(12, '0')}`;
  const event: AdEvent = {
    event_type: 'impression',
    impression_id: id,
    occurred_at: '2026-01-31T12:00:00.000001Z',
    price_micros: 1_500_000n,
    currency: 'EUR',
    campaign_id: campaign,
    creative_id: 'creative-1',
    placement_id: 'placement-1',
  };
  return { key: Buffer.from(id), value: encodeEvent(event), timestamp: BORN_MS };
}

/** Bytes no decoder accepts. */
export function garbage(text = 'not an event'): Message {
  return { key: Buffer.from('k'), value: Buffer.from(text), timestamp: BORN_MS };
}

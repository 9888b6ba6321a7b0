import { Buffer } from 'node:buffer';
import { encodeEvent, type AdEvent, type SourceRecord } from '@adtally/event-schema';

/** 2026-01-31 12:00 UTC: the birth of every test impression that names no other time. */
export const BORN_MS = 1_769_860_800_000;

/** A UUIDv7 born at a moment; `n` tells ids of one moment apart. */
export function idAt(bornMs: number, n: number): string {
  const time = bornMs.toString(16).padStart(12, '0');
  return `${time.slice(0, 8)}-${time.slice(8)}-7000-8000-${n.toString(16).padStart(12, '0')}`;
}

export interface ImpressionSpec {
  /** Impressions with the same number are the same event. */
  readonly n: number;
  readonly priceMicros?: bigint;
  readonly campaign?: string;
  readonly bornMs?: number;
}

export function impression(spec: ImpressionSpec): AdEvent {
  return {
    event_type: 'impression',
    impression_id: idAt(spec.bornMs ?? BORN_MS, spec.n),
    occurred_at: '2026-01-31T12:00:00.000001Z',
    price_micros: spec.priceMicros ?? 1_500_000n,
    currency: 'EUR',
    campaign_id: spec.campaign ?? 'campaign-1',
    creative_id: 'creative-1',
    placement_id: 'placement-1',
  };
}

/** A message as a producer sends it: everything of a record but its coordinate. */
export type Message = Pick<SourceRecord, 'key' | 'value' | 'headers' | 'timestamp'>;

export function messageOf(event: AdEvent, changes: Partial<Message> = {}): Message {
  return {
    key: Buffer.from(event.impression_id),
    value: encodeEvent(event),
    timestamp: BORN_MS,
    ...changes,
  };
}

/** The message of impression `n`; what the test does not name is constant. */
export function shown(n: number, spec: Omit<ImpressionSpec, 'n'> = {}): Message {
  return messageOf(impression({ n, ...spec }));
}

/** A message no decoder accepts. */
export function garbage(text = 'not an event'): Message {
  return { key: Buffer.from('k'), value: Buffer.from(text), timestamp: BORN_MS };
}

import { Buffer } from 'node:buffer';
import { decodeInto, EventBatch, readEvent, VERDICT } from '@adtally/event-schema';
import { describe, expect, it } from 'vitest';
import { MALFORMED_KINDS, Plan, type PlannedRecord } from '../src/index.ts';
import { timeText } from '../src/event.ts';

const OPTIONS = { events: 20_000, seed: 3, baseTimeMs: Date.UTC(2026, 0, 15), partitions: 12 };

/** These are judged by key, header and append time, not by the value's bytes. */
const BEYOND_THE_VALUE: ReadonlySet<string> = new Set(['key_mismatch', 'future']);

/** The product's verdict on a value: an event, or a rejection code. */
function decoded(batch: EventBatch, { key, value }: PlannedRecord): string {
  batch.clear();
  const row = batch.append({ topic: 't', partition: 0, offset: 0, key, value }, 1);
  decodeInto(batch, row);
  return batch.verdict[row] === VERDICT.event ? 'event' : (batch.rejections.get(row)?.code ?? '?');
}

describe('a plan and the product', () => {
  it('agree on what is wrong with every malformed record, whatever the event type', () => {
    const batch = new EventBatch(1);
    const seen = new Map<string, number>();
    const records = [...new Plan({ ...OPTIONS, mix: { malformed: 0.7, click: 0, conversion: 0 } })];
    for (const record of records) {
      if (record.truth.kind !== 'rejected') continue;
      const { code } = record.truth;
      const text = record.value?.subarray(0, 600).toString('utf8');
      expect({ code: decoded(batch, record), text }).toEqual({
        code: BEYOND_THE_VALUE.has(code) ? 'event' : code,
        text,
      });
      seen.set(code, (seen.get(code) ?? 0) + 1);
    }
    expect([...seen.keys()].toSorted()).toEqual(MALFORMED_KINDS.toSorted());
    // Enough of each that every way of being malformed in a kind's list was drawn.
    expect(Math.min(...seen.values())).toBeGreaterThan(500);
  });

  it('agree on the content of every valid record, however it is spelt', () => {
    const batch = new EventBatch(1);
    const mix = {
      respelt: 0.3,
      duplicate: 0.2,
      conflict: 0.05,
      hugeAmount: 0.1,
      unknownFields: 0.1,
    };
    let checked = 0;
    for (const record of new Plan({ ...OPTIONS, mix })) {
      if (record.truth.kind !== 'event') continue;
      const { event, unknownFields } = record.truth;
      expect(decoded(batch, record)).toBe('event');
      expect(batch.unknownFields).toBe(unknownFields);
      expect(readEvent(batch, 0)).toMatchObject({
        event_type: event.type,
        impression_id: event.impressionId,
        occurred_at: timeText(event.occurredAtMicros),
        campaign_id: event.campaign.text,
        creative_id: event.creative.text,
        placement_id: event.placement.text,
        currency: event.currency,
        [event.type === 'conversion' ? 'value_micros' : 'price_micros']: BigInt(event.amount),
        ...(event.clickId === null ? {} : { click_id: event.clickId }),
        ...(event.conversionId === null ? {} : { conversion_id: event.conversionId }),
      });
      checked += 1;
    }
    expect(checked).toBeGreaterThan(19_000);
  });

  it('agree that a future id is a UUIDv7 born more than a day after the base time', () => {
    let futures = 0;
    for (const { key, truth } of new Plan({ ...OPTIONS, mix: { malformed: 0.3 } })) {
      if (truth.kind !== 'rejected' || truth.code !== 'future') continue;
      const hex = Buffer.from(String(key)).toString().replaceAll('-', '');
      expect(hex[12]).toBe('7');
      expect(Number.parseInt(hex.slice(0, 12), 16)).toBeGreaterThan(
        OPTIONS.baseTimeMs + 86_400_000,
      );
      futures += 1;
    }
    expect(futures).toBeGreaterThan(100);
  });
});

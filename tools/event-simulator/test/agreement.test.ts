import { Buffer } from 'node:buffer';
import { EventBatch, readEvent, VERDICT } from '@adtally/event-schema';
import { partitionFor } from '@adtally/key-derivation';
import { classify } from '@adtally/pipeline';
import { describe, expect, it } from 'vitest';
import { MALFORMED_KINDS, Plan, type PlannedRecord } from '../src/index.ts';
import { timeText } from '../src/event.ts';

const OPTIONS = { events: 20_000, seed: 3, baseTimeMs: Date.UTC(2026, 0, 15), partitions: 12 };

const RULES = { horizonMs: null, partitions: OPTIONS.partitions };

/** The product's verdict on a record appended at the base time: an event, or a rejection code. */
function classified(batch: EventBatch, planned: PlannedRecord): string {
  const { key, value } = planned;
  const partition = planned.partition ?? partitionFor(Buffer.from(key ?? ''), OPTIONS.partitions);
  const headers = planned.headers ?? undefined;
  const timestamp = OPTIONS.baseTimeMs;
  batch.clear();
  const row = batch.append({ topic: 't', partition, offset: 0, key, value, headers, timestamp }, 1);
  classify(batch, row, RULES);
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
      expect({ code: classified(batch, record), text }).toEqual({ code, text });
      seen.set(code, (seen.get(code) ?? 0) + 1);
    }
    expect([...seen.keys()].toSorted()).toEqual(MALFORMED_KINDS.toSorted());
    // Enough of each that every way of being malformed in a kind's list was drawn.
    expect(Math.min(...seen.values())).toBeGreaterThan(500);
  });

  it('agree on the content of every valid record, however it is spelt', () => {
    const batch = new EventBatch(1);
    const mix = {
      keyHeader: 0.2,
      misrouted: 0.1,
      respelt: 0.3,
      duplicate: 0.2,
      conflict: 0.05,
      hugeAmount: 0.1,
      unknownFields: 0.1,
    };
    let checked = 0;
    for (const record of new Plan({ ...OPTIONS, mix })) {
      if (record.truth.kind !== 'event') continue;
      const { event, unknownFields, misrouted } = record.truth;
      expect(classified(batch, record)).toBe('event');
      expect(batch.unknownFields).toBe(unknownFields);
      expect(batch.misrouted).toBe(misrouted ? 1 : 0);
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
});

import { EventBatch, readEvent, VERDICT } from '@adtally/event-schema';
import { classify } from '@adtally/pipeline';
import { expect, test } from 'vitest';
import { rulesFor } from '../baseline/choose-records.ts';
import { PROFILES } from '../preload/profiles.ts';
import { StampedRecords } from './stamped-records.ts';

const RECORDS = 20_000;
const NOW_MS = Date.UTC(2026, 2, 1, 12);

test('records are valid, unique, of now, and clicks are mostly of impressions before them', () => {
  const ring = new StampedRecords('t', 3, PROFILES.clean.mix, 100);
  const keys = new Set<string>();
  const impressions = new Set<string>();
  let [orphans, others] = [0, 0];
  for (let taken = 0; taken < RECORDS; taken += 1_000) {
    const batch = new EventBatch(1_000);
    ring.setTime(NOW_MS + taken);
    for (let offset = 0; offset < 1_000; offset += 1)
      batch.append({ ...ring.next(), partition: 0, offset }, 1);
    classify(batch, 0, rulesFor(1));
    for (let row = 0; row < batch.count; row += 1) {
      expect(batch.verdict[row]).toBe(VERDICT.event);
      keys.add(batch.eventKey.toString('hex', row * 16, row * 16 + 16));
      const { event_type, impression_id, occurred_at } = readEvent(batch, row);
      if (event_type === 'impression') impressions.add(impression_id);
      else if (impressions.has(impression_id)) others += 1;
      else orphans += 1;
      expect(Date.parse(String(occurred_at))).toBe(NOW_MS + taken);
    }
  }
  expect(keys.size).toBe(RECORDS);
  expect(orphans).toBeLessThan(others / 100);
});

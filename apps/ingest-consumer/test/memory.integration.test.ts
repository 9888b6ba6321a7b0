import { encodeEvent } from '@adtally/event-schema';
import { AckedProducer } from '@adtally/kafka';
import { expect, test } from 'vitest';
import { stage, type Stage } from './support/stage.ts';

const MIB = 1_024 * 1_024;
/** What docs/operations.md states for records of up to 1 MiB. */
const CEILING_BYTES = 1_024 * MIB;
const EVENTS = 1_500;
const HEADER_BYTES = 900_000;
const IN_FLIGHT = 50;

async function produceWithLargeHeaders(the: Stage): Promise<void> {
  const producer = await AckedProducer.connect(the.settings, { mode: 'bulk' });
  const headers = [{ baggage: Buffer.alloc(HEADER_BYTES, 'x') }];
  for (let first = 0; first < EVENTS; first += IN_FLIGHT) {
    const outcomes = await producer.produceAll(
      Array.from({ length: IN_FLIGHT }, (_, index) => {
        const id = `019c0000-0000-7000-8000-${(first + index).toString(16).padStart(12, '0')}`;
        const value = encodeEvent({
          event_type: 'impression',
          impression_id: id,
          occurred_at: '2026-01-31T12:00:00.000001Z',
          price_micros: 1_500_000n,
          currency: 'EUR',
          campaign_id: 'campaign-1',
          creative_id: 'creative-1',
          placement_id: 'placement-1',
        });
        return { topic: the.topic, key: id, value, headers };
      }),
    );
    expect(outcomes.every((outcome) => outcome === 'acked')).toBe(true);
  }
  await producer.close();
}

test('a batch is bounded in all its bytes: events with large headers stay below the stated ceiling', async () => {
  const the = await stage();
  await produceWithLargeHeaders(the);
  const consumer = the.start();
  await the.untilConsumed(EVENTS, consumer);
  expect(consumer.peakMemoryBytes()).toBeLessThan(CEILING_BYTES);
});

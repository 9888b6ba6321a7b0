import { Buffer } from 'node:buffer';
import { encodeEvent } from '@adtally/event-schema';
import { AckedProducer, type ProduceRecord } from '@adtally/kafka';
import type { Stage } from './stage.ts';

/** Records put into a partition of the test's choice, unlike the simulator's. */
export interface Planter {
  /** Valid impressions, each another one. */
  good(partition: number, count: number): Promise<void>;
  /** Records that are no JSON. */
  bad(partition: number, count: number): Promise<void>;
  close(): Promise<void>;
}

const ID_DIGITS = 12;

export async function planter(the: Stage): Promise<Planter> {
  const producer = await AckedProducer.connect(the.settings, { mode: 'bulk' });
  let made = 0;
  const plant = async (records: ProduceRecord[]) => {
    const outcomes = await producer.produceAll(records);
    const lost = outcomes.filter((outcome) => outcome !== 'acked').length;
    if (lost > 0) throw new Error(`${lost} of ${records.length} not acknowledged`);
  };
  const many = (count: number, one: () => ProduceRecord) =>
    plant(Array.from({ length: count }, one));
  const { topic } = the;
  return {
    good: (partition, count) =>
      many(count, () => {
        made += 1;
        const id = `019c0000-0000-7000-8000-${made.toString(16).padStart(ID_DIGITS, '0')}`;
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
        return { topic, partition, key: id, value };
      }),
    bad: (partition, count) =>
      many(count, () => ({ topic, partition, key: 'k', value: Buffer.from('not an event') })),
    close: () => producer.close(),
  };
}

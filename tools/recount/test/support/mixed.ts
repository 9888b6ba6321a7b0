import { setTimeout as sleep } from 'node:timers/promises';
import { type AdEvent, encodeEvent } from '@adtally/event-schema';
import { AckedProducer } from '@adtally/kafka';

/** The largest amount. */
export const MAX = 2n ** 63n - 1n;
const MIXED_ID = '01890a5d-ac96-774b-bcce-000000000001';
const PLAIN = {
  impression_id: MIXED_ID,
  occurred_at: '2026-01-31T12:00:00.000001Z',
  currency: 'EUR',
  campaign_id: 'mixed',
  creative_id: '\u{1f600}',
  placement_id: 'p\n',
};
const CLICK = { ...PLAIN, event_type: 'click', click_id: MIXED_ID, price_micros: MAX } as const;
const LATER_ID = '01890a5d-ac96-774b-bcce-000000000002';
/**
 * A conversion in another currency than its click, with a copy of the click and one that conflicts; a click ten minutes
 * before its impression, and two events of the impression that is not counted.
 */
export const MIXED: readonly AdEvent[] = [
  { ...PLAIN, event_type: 'impression', price_micros: MAX },
  CLICK,
  CLICK,
  { ...CLICK, price_micros: 1n },
  { ...PLAIN, event_type: 'conversion', conversion_id: 'o', value_micros: 7n, currency: 'USD' },
  { ...CLICK, click_id: LATER_ID, price_micros: 3n, occurred_at: '2026-01-31T11:50:00Z' },
  { ...CLICK, impression_id: LATER_ID, price_micros: 5n },
  {
    ...PLAIN,
    event_type: 'conversion',
    impression_id: LATER_ID,
    conversion_id: 'p',
    value_micros: 9n,
  },
];

const BEFORE: AdEvent = {
  ...PLAIN,
  event_type: 'impression',
  impression_id: LATER_ID,
  price_micros: 3n,
};

/** Produces events, in one partition and in their order. */
export async function send(
  brokers: string,
  topic: string,
  events: readonly AdEvent[],
): Promise<void> {
  const settings = { brokers, clientId: 'recount-test', security: {} };
  const producer = await AckedProducer.connect(settings, { mode: 'bulk' });
  const records = events.map((event) => ({
    topic,
    partition: 0,
    key: event.impression_id,
    value: encodeEvent(event),
  }));
  const outcomes = await producer.produceAll(records);
  await producer.close();
  if (outcomes.some((outcome) => outcome !== 'acked')) throw new Error('not all were acknowledged');
}

/** Produces an event that is to lie before where counting begins; returns that time, for START_AT. */
export async function sendUncounted(brokers: string, topic: string): Promise<string> {
  await send(brokers, topic, [BEFORE]);
  await sleep(20);
  return new Date().toISOString();
}

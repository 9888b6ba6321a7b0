// Sends impressions, a click for every tenth and a conversion for every hundredth, as the contract asks. Node >= 24.21 runs it as it is:
//
//   npm install @platformatic/kafka
//   KAFKA_BROKERS=localhost:9092 TOPIC=my-test-topic node send-events.ts
//
// What matters is in the options of the producer and in `messageOf`.
import { randomUUIDv7 } from 'node:crypto';
import { compatibilityPartitioner, Producer, stringSerializers } from '@platformatic/kafka';

const { KAFKA_BROKERS = 'localhost:9092', TOPIC = 'my-test-topic', EVENTS = '1000' } = process.env;

const producer = new Producer({
  clientId: 'example-typescript',
  bootstrapBrokers: KAFKA_BROKERS.split(','),
  serializers: stringSerializers,
  // Java's. The default one places half of the keys elsewhere.
  partitioner: compatibilityPartitioner,
  // With acks from all replicas in sync.
  idempotent: true,
});

interface Event {
  readonly impression_id: string;
  readonly [field: string]: string | number;
}

/** The key is the impression's id in every event of the impression, in lower case. */
function messageOf(event: Event) {
  return { topic: TOPIC, key: event.impression_id, value: JSON.stringify(event) };
}

const common = {
  schema_version: 1,
  campaign_id: 'c-7',
  creative_id: 'cr-19',
  placement_id: 'home-top',
  currency: 'EUR',
  source: 'example-typescript',
};

for (let n = 0; n < Number(EVENTS); n += 1) {
  // Made when the impression is shown: its time is the impression's.
  const shown = { ...common, impression_id: randomUUIDv7(), occurred_at: new Date().toISOString() };
  const events: Event[] = [{ ...shown, event_type: 'impression', price_micros: 1_500_000 }];
  if (n % 10 === 0)
    events.push({
      ...shown,
      event_type: 'click',
      click_id: randomUUIDv7(),
      occurred_at: new Date().toISOString(),
      price_micros: 250_000,
    });
  if (n % 100 === 0) {
    const { click_id } = events[1] as Event & { click_id: string };
    const conversion_id = `order-${click_id}`;
    const converted = { ...shown, click_id, conversion_id, value_micros: 49_990_000 };
    events.push({ ...converted, event_type: 'conversion', occurred_at: new Date().toISOString() });
  }
  await producer.send({ messages: events.map(messageOf) });
}
await producer.close();

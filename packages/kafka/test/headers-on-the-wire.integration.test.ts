import { Consumer } from '@platformatic/kafka';
import { kafkaBrokers } from '@adtally/testkit';
import { expect, test } from 'vitest';
import { cluster } from './support.ts';

const kafka = await cluster();

test('an empty header value is sent empty, as another client reads it, however it was given', async () => {
  const topic = await kafka.topic();
  const headers = [
    { buffer: Buffer.alloc(0) },
    { text: '' },
    { nothing: undefined },
    { some: 'x' },
  ];
  expect(
    await kafka.producer.produceAll([
      { topic, partition: 0, key: null, value: Buffer.from('v'), headers },
    ]),
  ).toEqual(['acked']);
  // Not ours: our own client reads null and empty alike.
  const witness = new Consumer({
    groupId: topic,
    clientId: 'witness',
    bootstrapBrokers: (await kafkaBrokers()).split(','),
  });
  const stream = await witness.consume({ topics: [topic], mode: 'earliest', autocommit: false });
  for await (const message of stream) {
    const seen = [...message.headers].map(([name, value]) => [String(name), value?.toString()]);
    expect(seen).toEqual([
      ['buffer', ''],
      ['text', ''],
      ['nothing', ''],
      ['some', 'x'],
    ]);
    break;
  }
  await witness.close(true);
});

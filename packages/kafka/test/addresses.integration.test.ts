import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { AckedProducer, brokersCheck, GroupConsumer, type KafkaSettings } from '../src/index.ts';
import { addressesOf } from '../src/direct/open-connection.ts';
import { cluster, grantedAll, pump } from './support.ts';

// Lists of brokers as people have them: some of it dead, some of it of IPv6.

const kafka = await cluster();
const NOBODY = '127.0.0.1:1';
const NO_HOST = 'no-such-broker.invalid:9092';

/** The shared broker by an address of IPv6; what it names afterwards is its own. */
async function overIpv6(): Promise<string> {
  const [broker] = addressesOf(kafka.settings);
  if (broker === undefined) throw new Error('no broker');
  const open = new Set<Socket>();
  const front = createServer((client) => {
    const server = connect(broker);
    client.pipe(server).pipe(client);
    for (const socket of [client, server]) {
      open.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => [client, server].forEach((one) => one.destroy()));
    }
  });
  front.listen(0, '::1');
  await once(front, 'listening');
  onTestFinished(() => {
    for (const socket of open) socket.destroy();
    front.close();
  });
  return `[::1]:${(front.address() as AddressInfo).port}`;
}

test.each(['direct', 'librdkafka'] as const)(
  'by a list that begins with who is dead or unknown and ends with IPv6, all is read (%s)',
  async (reader) => {
    const brokers = `${NOBODY},${NO_HOST},${await overIpv6()}`;
    const settings: KafkaSettings = { ...kafka.settings, brokers };
    const topic = await kafka.topic(2);
    const producer = await AckedProducer.connect(settings);
    const records = [0, 1].map((partition) => ({
      topic,
      partition,
      key: null,
      value: Buffer.from('x'),
    }));
    expect(await producer.produceAll(records)).toEqual(['acked', 'acked']);
    await producer.close();
    const member = await GroupConsumer.connect(settings, {
      groupId: topic,
      topic,
      protocol: 'consumer',
      reader,
    });
    try {
      await pump([member], grantedAll([member], 2));
      member.start(0, 0);
      member.start(1, 0);
      const seen = await pump([member], (got) => got.length >= 2);
      expect(seen.map(([partition]) => partition).toSorted()).toEqual([0, 1]);
    } finally {
      await member.leave();
    }
    const check = brokersCheck(settings, {
      topics: { [topic]: 'READ' },
      group: { groupId: topic, wanted: 'auto' },
    });
    expect(await check.attempt()).toContain(`topics ${topic} (READ)`);
  },
);

import { uniqueName } from '@adtally/testkit';
import { expect, test } from 'vitest';
import { KafkaRequestError } from '../src/index.ts';
import { cluster } from './support.ts';

const kafka = await cluster();
const { admin } = kafka;

test('an unknown topic is described as null', async () => {
  expect(await admin.describeTopic(uniqueName('absent'))).toBeNull();
});

test('a topic is described with its id, partitions, replicas and in-sync replicas', async () => {
  const topic = await kafka.topic(3);
  const found = await admin.describeTopic(topic);
  expect(found?.topicId).toMatch(/^[A-Za-z0-9_-]{22}$/);
  expect(found?.partitions).toEqual(
    [0, 1, 2].map((partition) => ({ partition, replicas: 1, isr: 1, leader: expect.any(Number) })),
  );
});

test('I9: a topic deleted and created again has another id, the same topic the same one', async () => {
  const topic = await kafka.topic();
  const first = await admin.describeTopic(topic);
  expect((await admin.describeTopic(topic))?.topicId).toBe(first?.topicId);
  await admin.deleteTopic(topic);
  expect(await admin.describeTopic(topic)).toBeNull();
  const second = await admin.createTopic({
    name: topic,
    partitions: 1,
    replication: 1,
    config: {},
  });
  expect(second.topicId).not.toBe(first?.topicId);
});

test('creating a topic that exists is a lasting error, ensuring it is none', async () => {
  const topic = await kafka.topic(2);
  const spec = { name: topic, partitions: 2, replication: 1, config: {} };
  await expect(admin.createTopic(spec)).rejects.toMatchObject({
    name: 'KafkaRequestError',
    code: 36,
    transient: false,
  });
  const fresh = { ...spec, name: uniqueName('ensured') };
  const report = await admin.ensureTopics([spec, fresh]);
  expect(report.map((one) => [one.name, one.created, one.partitions.length])).toEqual([
    [topic, false, 2],
    [fresh.name, true, 2],
  ]);
  await admin.deleteTopic(fresh.name);
});

test('deleting an absent topic is no error', async () => {
  await expect(admin.deleteTopic(uniqueName('absent'))).resolves.toBeUndefined();
});

test('a bad topic setting is refused with a typed error', async () => {
  const spec = {
    name: uniqueName('bad'),
    partitions: 1,
    replication: 1,
    config: { 'no.such.setting': '1' },
  };
  await expect(admin.createTopic(spec)).rejects.toBeInstanceOf(KafkaRequestError);
});

test('LogAppendTime given at creation stamps records with the broker clock', async () => {
  const topic = await kafka.topic(1, { 'message.timestamp.type': 'LogAppendTime' });
  await kafka.fill(topic, 0, 3);
  const past = await admin.offsetsForTime(topic, Date.now() - 3_600_000);
  expect(past).toEqual(new Map([[0, 0]]));
});

test('offsets for a time after the last record are the end of each partition', async () => {
  const topic = await kafka.topic(2);
  await kafka.fill(topic, 0, 5);
  const future = await admin.offsetsForTime(topic, Date.now() + 3_600_000);
  expect(future).toEqual(
    new Map([
      [0, 5],
      [1, 0],
    ]),
  );
});

test('watermarks follow appends and deletions', async () => {
  const topic = await kafka.topic();
  await kafka.fill(topic, 0, 10);
  expect(await admin.watermarks(topic, 0)).toEqual({ logStart: 0, end: 10 });
  expect(await admin.deleteRecordsBefore(topic, 0, 4)).toBe(4);
  expect(await admin.watermarks(topic, 0)).toEqual({ logStart: 4, end: 10 });
  await expect(admin.deleteRecordsBefore(topic, 0, 11)).rejects.toMatchObject({ code: 1 });
});

test('partitions are added', async () => {
  const topic = await kafka.topic(1);
  expect((await admin.addPartitions(topic, 3)).partitions).toHaveLength(3);
});

test('group offsets hold what the group committed and nothing else', async () => {
  const topic = await kafka.topic(2);
  await kafka.fill(topic, 1, 5);
  expect(await admin.groupOffsets(topic, topic)).toEqual(new Map());
  const member = await kafka.member(topic);
  let committed = new Map<number, number>();
  while (committed.size === 0) {
    await member.fetch(10, 20);
    for (const event of member.takeRebalances()) member.settle(event);
    if (member.granted.size === 2) member.noteCommitted(new Map([[1, 3]]));
    committed = await admin.groupOffsets(topic, topic);
  }
  expect(committed).toEqual(new Map([[1, 3]]));
  await member.leave();
});

test('offsets of an absent topic are a typed error', async () => {
  await expect(admin.offsetsForTime(uniqueName('absent'), 0)).rejects.toBeInstanceOf(
    KafkaRequestError,
  );
});

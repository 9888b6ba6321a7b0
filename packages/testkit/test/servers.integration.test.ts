import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { promisify } from 'node:util';
import Kafka from '@confluentinc/kafka-javascript';
import { Redis } from 'ioredis';
import { Client } from 'pg';
import { expect, test } from 'vitest';
import {
  emptyDatabase,
  hasRedisServer,
  kafkaBrokers,
  stressStartStop,
  testDatabase,
  testRedis,
  testTopic,
  waitFor,
} from '../src/index.ts';

async function query(url: string, statement: string): Promise<unknown[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(statement)).rows;
  } finally {
    await client.end();
  }
}

function careless() {
  let running = false;
  return {
    start: async () => void (running = true),
    stop: async () => {
      if (!running) throw new Error('not started');
      running = false;
    },
  };
}

test('migrates once and gives every call a database of its own', async () => {
  let migrations = 0;
  const migrate = async (url: string) => {
    migrations += 1;
    await query(url, 'CREATE TABLE t (n int)');
  };
  const [one, two] = await Promise.all([testDatabase(migrate), testDatabase(migrate)]);
  await query(one.url, 'INSERT INTO t VALUES (1)');
  expect(await query(two.url, 'SELECT * FROM t')).toEqual([]);
  expect(migrations).toBe(1);
  expect(one.url).not.toBe(two.url);
  await Promise.all([one.drop(), two.drop()]);
  await one.drop();
});

test('the processes of a run clone one template, which is filled once', async () => {
  const name = `shared_${process.pid}`;
  const one = await testDatabase({
    name,
    fill: async (url) => void (await query(url, 'CREATE TABLE t AS SELECT 7 AS n')),
  });
  const elsewhere = `
    const { testDatabase } = await import(${JSON.stringify(new URL('../src/database.ts', import.meta.url).href)});
    const fill = async () => { throw new Error('filled again'); };
    console.log((await testDatabase({ name: '${name}', fill })).url);`;
  const argv = ['--conditions=@adtally/source', '--input-type=module', '--eval', elsewhere];
  const { stdout } = await promisify(execFile)(process.execPath, argv);
  const url = stdout.trim();
  expect(url).not.toBe(one.url);
  expect(await query(url, 'SELECT n FROM t')).toEqual([{ n: 7 }]);
  await query(one.url, `DROP DATABASE "${new URL(url).pathname.slice(1)}"`);
  await one.drop();
});

test('drops a database that is in use', async () => {
  const database = await emptyDatabase();
  const client = new Client({ connectionString: database.url });
  client.on('error', () => undefined);
  await client.connect();
  await database.drop();
  await expect(query(database.url, 'SELECT 1')).rejects.toThrow(/does not exist/);
  await client.end().catch(() => undefined);
});

test('a topic can be written as soon as it is there, and carries append time', async () => {
  await using topic = await testTopic({ partitions: 3 });
  const brokers = await kafkaBrokers();
  const producer = new Kafka.Producer({ 'metadata.broker.list': brokers, dr_cb: true });
  producer.connect();
  await once(producer, 'ready');
  producer.setPollInBackground(true);
  const report = once(producer, 'delivery-report');
  producer.produce(topic.name, 2, Buffer.from('value'), 'key', 1000);
  const [error, delivered] = await report;
  expect(error).toBeNull();
  expect(delivered).toMatchObject({ topic: topic.name, partition: 2, offset: 0 });
  expect(delivered.timestamp).toBeGreaterThan(1000);
  producer.disconnect();
  await once(producer, 'disconnected');
});

test.runIf(hasRedisServer())('an own Redis stops, starts empty, freezes and thaws', async () => {
  await using redis = await testRedis();
  const client = new Redis(redis.url, { maxRetriesPerRequest: 0, commandTimeout: 500 });
  client.on('error', () => undefined);
  await client.set('a', '1');
  redis.freeze();
  await expect(client.get('a')).rejects.toThrow('Command timed out');
  redis.thaw();
  await waitFor(async () => (await client.get('a')) === '1', { what: 'the thawed server' });
  await redis.stop();
  await expect(client.get('a')).rejects.toThrow('max retries per request');
  await redis.start();
  await waitFor(async () => (await client.ping()) === 'PONG', { what: 'the restarted server' });
  expect(await client.get('a')).toBeNull();
  client.disconnect();
});

test('stressStartStop finds a service whose stop before start fails', async () => {
  await expect(stressStartStop(careless)).rejects.toThrow('not started');
});

import { expect, test } from 'vitest';

import { externalAddresses } from './env.ts';
import { brokerEndpoints, urlEndpoints } from './external.ts';
import { brokerProperties } from './kafka.ts';
import { parseMajor } from './toolchain.ts';
import { findUser } from './users.ts';

test.each([
  ['Redis server v=7.0.15 sha=00000000:0 malloc=jemalloc-5.3.0', 7],
  ['postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)', 15],
  ['postgres (PostgreSQL) 18beta1', 18],
  ['something else 99', undefined],
])('the major version is read from "%s"', (output, major) => {
  expect(parseMajor(output)).toBe(major);
});

const PASSWD = `root:x:0:0:root:/root:/bin/bash
nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin
postgres:x:101:104:PostgreSQL:/var/lib/postgresql:/bin/bash`;

test('a server runs as the first account that exists, never as root', () => {
  expect(findUser(PASSWD, ['postgres', 'nobody'])).toEqual({
    name: 'postgres',
    uid: 101,
    gid: 104,
  });
  expect(findUser(PASSWD, ['redis', 'nobody'])?.name).toBe('nobody');
  expect(findUser(PASSWD, ['root'])).toBeUndefined();
  expect(findUser('', ['nobody'])).toBeUndefined();
});

test('empty variables count as not given', () => {
  expect(externalAddresses({ KAFKA_BROKERS: 'a:1', DATABASE_URL: '', REDIS_URL: '' })).toEqual({
    kafkaBrokers: 'a:1',
    databaseUrl: undefined,
    redisUrl: undefined,
  });
});

test('hosts and ports of given addresses are found, also of IPv6 and without a port', () => {
  expect(brokerEndpoints('a:1, [::1]:2,c')).toEqual([
    { host: 'a', port: 1 },
    { host: '::1', port: 2 },
    { host: 'c', port: 9092 },
  ]);
  expect(urlEndpoints('postgres://u:p@db/x')).toEqual([{ host: 'db', port: 5432 }]);
  expect(urlEndpoints('rediss://cache:7000')).toEqual([{ host: 'cache', port: 7000 }]);
  expect(urlEndpoints('no url')).toEqual([]);
});

test('the broker keeps every event and hands groups over fast', () => {
  const lines = brokerProperties([1001, 1002], '/data/logs').split('\n');
  expect(lines).toEqual(
    expect.arrayContaining([
      'listeners=PLAINTEXT://127.0.0.1:1001,CONTROLLER://127.0.0.1:1002',
      'controller.quorum.voters=1@127.0.0.1:1002',
      'log.dirs=/data/logs',
      'log.retention.ms=-1',
      'auto.create.topics.enable=false',
      'group.consumer.heartbeat.interval.ms=500',
      'group.consumer.assignment.interval.ms=0',
      'group.consumer.min.heartbeat.interval.ms=100',
      'group.consumer.session.timeout.ms=6000',
      'group.consumer.min.session.timeout.ms=1000',
    ]),
  );
});

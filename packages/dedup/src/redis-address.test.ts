import { expect, test } from 'vitest';
import { parseRedisUrl } from './redis-address.ts';

test.each([
  ['redis://cache', { kind: 'single', options: { host: 'cache', port: 6379, db: 0 } }],
  ['redis://[::1]:7000/3', { kind: 'single', options: { host: '::1', port: 7000, db: 3 } }],
  [
    'rediss://me:p%40ss@cache:6380',
    {
      kind: 'single',
      options: { host: 'cache', port: 6380, db: 0, username: 'me', password: 'p@ss', tls: {} },
    },
  ],
  [
    'redis+sentinel://:pw@h1:26379,h2/mymaster/2',
    {
      kind: 'sentinel',
      options: {
        password: 'pw',
        sentinels: [
          { host: 'h1', port: 26_379 },
          { host: 'h2', port: 26_379 },
        ],
        name: 'mymaster',
        db: 2,
      },
    },
  ],
  [
    'rediss+cluster://h1:7001,h2',
    {
      kind: 'cluster',
      nodes: [
        { host: 'h1', port: 7001 },
        { host: 'h2', port: 6379 },
      ],
      options: { tls: {} },
    },
  ],
])('reads %s', (url, address) => {
  expect(parseRedisUrl(url)).toEqual(address);
});

test.each([
  ['http://cache', 'not a Redis URL'],
  ['redis://a,b', 'one host'],
  ['redis://cache/x', 'database number'],
  ['redis://:s3cret@cache:99999', /^not a host and port: cache:99999$/],
  ['redis+sentinel://h1', '/mastername'],
  ['redis+cluster://h1/2', 'no database numbers'],
])('refuses %s', (url, message) => {
  expect(() => parseRedisUrl(url)).toThrow(message);
});

import { expect, test } from 'vitest';
import { DATABASE_ENV } from '../env.ts';
import { AddressError, parseAddress } from './address.ts';

const SECRET = 'zqsecret';

function problemsOf(text: string): readonly string[] {
  try {
    parseAddress(text);
    return [];
  } catch (error) {
    if (error instanceof AddressError) return error.problems;
    throw error;
  }
}

test.each([
  [`postgres://user:${SECRET}#x@host/db`, '"#".*%23'],
  [`postgres://user:#${SECRET}@host:5432/db`, '"#".*%23'],
  [`postgres://user:${SECRET}/x@host/db`, '"/".*%2F'],
  [`postgres://user:1/${SECRET}@host/db`, '"/".*%2F'],
  [`postgres://user:${SECRET}?x@host/db`, '"\\?".*%3F'],
  [`postgres://user:1?${SECRET}@host/db`, '"\\?".*%3F'],
  [`postgres://user:x@${SECRET}@host/db`, '"@".*%40'],
  [`postgres://user:x@/${SECRET}@host/db`, '"/".*%2F'],
  [`postgres://user:${SECRET}%x@host/db`, '"%".*%25'],
  [`postgres://user:${SECRET}%E9@host/db`, '"%".*%25'],
  [`postgres://user:${SECRET}@%FF/db`, '"%".*%25'],
  [`postgres://user:${SECRET}@host/%C3`, '"%".*%25'],
  [`postgres://user:${SECRET}@host/db?application_name=%E9`, '"%".*%25'],
  [`postgres://user:${SECRET}%00@host/db`, '%00'],
  [`postgres://user:a ${SECRET}%2Fc@host/db`, 'blank.*%20'],
  [`postgres://user:${SECRET}@host:port/db`, 'port'],
  [`postgres://user:${SECRET}@host/db?sslmode=on`, 'sslmode is none of disable, allow, prefer'],
  [`postgres://user:${SECRET}@host/db?sslmode=verify-ca`, 'needs sslrootcert'],
  [`postgres://user:${SECRET}@host/db?sslrootcert=system&sslmode=require`, 'verify-full'],
  [
    `postgres://user:${SECRET}@host/db?channel_binding=require`,
    'channel_binding is only supported',
  ],
  [`postgres://user:${SECRET}@host/db?pool_mode=x`, 'parameter pool_mode is not supported'],
  [`postgres://user:${SECRET}@host/db?__proto__=1`, 'parameter __proto__ is not supported'],
  [`postgres://user:${SECRET}@host/db?constructor=1`, 'parameter constructor is not supported'],
  [`postgres://user:${SECRET}@a,b/db?target_session_attrs=any`, 'give read-write'],
  [`postgres://user:${SECRET}@a/db?target_session_attrs=standby`, 'must be read-write'],
  [`postgres://user:${SECRET}@a:1,b:2,c/db?port=1,2`, '3 hosts and 2 ports'],
])(
  'an address that cannot be used is told by what is wrong, not by what it holds: %s',
  (text, words) => {
    const problems = problemsOf(text);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(new RegExp(`^DATABASE_URL: .*${words}`));
    expect(problems[0]).not.toContain(SECRET);
    const reading = DATABASE_ENV.databaseUrl.read({ DATABASE_URL: text });
    expect(reading).toEqual({ problems });
  },
);

test.each([
  ['postgres://u:p@host/db', [['host', 5432]], false],
  ['postgresql://host:1/db', [['host', 1]], false],
  [
    'postgres://u@a:1,b/db',
    [
      ['a', 1],
      ['b', 5432],
    ],
    true,
  ],
  [
    'postgres://u@a,b:2/db?target_session_attrs=primary',
    [
      ['a', 5432],
      ['b', 2],
    ],
    true,
  ],
  ['postgres://a/db?target_session_attrs=read-write', [['a', 5432]], true],
  [
    'postgres://[::1]:5,[fe80::1]/db',
    [
      ['::1', 5],
      ['fe80::1', 5432],
    ],
    true,
  ],
  [
    'postgres:///db?host=/run/a,/run/b&port=7',
    [
      ['/run/a', 7],
      ['/run/b', 7],
    ],
    true,
  ],
  ['postgres://u:p%40%2F%23%3F@h/db?user=v', [['h', 5432]], false],
  ['postgres:///db', [['localhost', 5432]], false],
] as const)('the hosts of %s', (text, hosts, isPrimaryWanted) => {
  const address = parseAddress(text);
  expect(address.hosts.map(({ name, port }) => [name, port])).toEqual(hosts);
  expect(address.isPrimaryWanted).toBe(isPrimaryWanted);
});

test('sslmode of the environment holds where the address has none', () => {
  const count = (text: string) => parseAddress(text, 'prefer').connectionStrings.flat().length;
  expect([count('postgres://h/db'), count('postgres://h/db?sslmode=require')]).toEqual([2, 1]);
});

test.each([
  ['on', 'PGSSLMODE is none of disable, allow, prefer'],
  ['verify-ca', 'PGSSLMODE=verify-ca needs sslrootcert'],
])('what is wrong with PGSSLMODE=%s is told of it, not of the address', (mode, words) => {
  expect(() => parseAddress('postgres://h/db', mode)).toThrow(new RegExp(`^${words}`));
});

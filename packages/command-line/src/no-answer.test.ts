import { expect, test } from 'vitest';
import { noAnswer, refusedBy } from './no-answer.ts';

const SERVER = { title: 'PostgreSQL', address: 'db:5432', variable: 'DATABASE_URL' };
const refused = Object.assign(new Error('connect ECONNREFUSED ::1:5432'), { code: 'ECONNREFUSED' });

test.each([
  [undefined, ''],
  [refused, ': connection refused'],
  // Both addresses of localhost were tried.
  [new AggregateError([refused, refused], ''), ': connection refused'],
  [new Error('Connection terminated unexpectedly'), ': Connection terminated unexpectedly'],
  [Object.assign(new Error(''), { code: 'ESOMETHING' }), ': ESOMETHING'],
])('a server that does not answer is told in one sentence', (cause, reason) => {
  const error = noAnswer(SERVER, cause);
  expect(error.exitCode).toBe(69);
  expect(error.message).toBe(`PostgreSQL at db:5432 (DATABASE_URL) does not answer${reason}`);
});

test('a server that refuses us is a matter of the configuration', () => {
  const error = refusedBy(SERVER, new Error('password authentication failed'));
  expect(error.exitCode).toBe(78);
  expect(error.message).toBe(
    'PostgreSQL at db:5432 (DATABASE_URL) refuses us: password authentication failed',
  );
});

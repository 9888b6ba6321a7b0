import { DatabaseError } from 'pg';
import { expect, test } from 'vitest';
import { isTransientError } from './pg-errors.ts';
import { isAway } from './server-away.ts';

/** As Node makes them: `syscall` says what was being done. */
function systemError(code: string, syscall = 'connect'): Error {
  return Object.assign(new Error(`${syscall} ${code} /run/postgresql/.s.PGSQL.5432`), {
    code,
    syscall,
  });
}

function refusal(sqlState: string): Error {
  const error = new DatabaseError('terminating connection', 0, 'error');
  error.code = sqlState;
  return error;
}

test.each([
  'ENOENT',
  'EAGAIN',
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ENOTCONN',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'EHOSTDOWN',
  'ENETDOWN',
  'ENETUNREACH',
  'ENETRESET',
  'EADDRNOTAVAIL',
  'EMFILE',
  'ENFILE',
  'ENOBUFS',
  'ENOMEM',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EAI_FAIL',
  'ERR_SSL_UNEXPECTED_EOF_WHILE_READING',
])('a server behind %s is away, alone or as one of several addresses', (code) => {
  const error = systemError(code);
  expect(isAway(error)).toBe(true);
  expect(isTransientError(error)).toBe(true);
  expect(isAway(new AggregateError([error, error], 'all addresses'))).toBe(true);
});

test.each([
  'Connection terminated',
  'Connection terminated unexpectedly',
  'Connection terminated by us',
  'Connection terminated due to connection timeout',
  'timeout expired',
  'timeout exceeded when trying to connect',
  'Query read timeout',
  'Client has encountered a connection error and is not queryable',
  'Client was closed and is not queryable',
  'Postgres connection has been discarded',
  'There was an error establishing an SSL connection',
])('what the driver says of a lost server is no bug: %s', (message) => {
  expect(isAway(new Error(message))).toBe(true);
  expect(isTransientError(new Error(message))).toBe(true);
});

test.each(['08006', '57P01', '57P02', '57P03', '53300', '53200'])(
  'a server that says %s is away',
  (sqlState) => expect(isAway(refusal(sqlState))).toBe(true),
);

test.each([
  ['a certificate that is not there', systemError('ENOENT', 'open')],
  ['a socket we may not use', systemError('EACCES')],
  ['a certificate that does not verify', systemError('CERT_HAS_EXPIRED')],
  ['a server without TLS', new Error('The server does not support SSL connections')],
  ['a pool used after its end', new Error('Cannot use a pool after calling end on the pool')],
  ['a table that is not there', refusal('42P01')],
  [
    'an answer that quotes a lost connection',
    Object.assign(refusal('22023'), {
      message: 'Connection terminated',
    }),
  ],
  ['an error of our own', new TypeError('undefined is not a function')],
  ['no error at all', 'ECONNREFUSED'],
])('waiting does not help: %s', (_what, error) => {
  expect(isAway(error)).toBe(false);
  expect(isTransientError(error)).toBe(false);
});

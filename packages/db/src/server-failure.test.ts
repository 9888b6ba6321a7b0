import { DatabaseError } from 'pg';
import { expect, test } from 'vitest';
import { noteConnectFailure } from './connect-failures.ts';
import { WriteError } from './pg-errors.ts';
import { databaseFailure, databaseFailureAtWork } from './server-failure.ts';
import { SchemaMismatch } from './schema-version.ts';

function systemError(code: string, syscall = 'connect'): Error {
  return Object.assign(new Error(`${syscall} ${code}`), { code, syscall });
}

function tlsError(code: string): Error {
  return Object.assign(new Error(`tls: ${code}`), { code });
}

function said(sqlState: string, words = 'words of the server'): Error {
  const error = new DatabaseError(words, 0, 'error');
  error.code = sqlState;
  return error;
}

test.each([
  ['no server', systemError('ECONNREFUSED'), 'away', 'database_unreachable'],
  ['a socket that is not there', systemError('ENOENT'), 'away', 'database_unreachable'],
  ['a system error nobody knows', systemError('EWHATEVER'), 'away', 'database_unreachable'],
  ['starting up', said('57P03'), 'away', 'database_unreachable'],
  ['no connection left', said('53300'), 'away', 'database_unreachable'],
  ['an error of the server itself', said('XX000'), 'away', 'database_refuses'],
  ['a standby', said('25006'), 'away', 'database_refuses'],
  ['a pooler that lost its server', said('08P01'), 'away', 'database_protocol_violation'],
  ['a wrong password', said('28P01'), 'refused', 'database_login'],
  ['a role that is not let in', said('28000'), 'refused', 'database_login'],
  ['a database that is not there', said('3D000'), 'refused', 'database_missing'],
  ['a right that is missing', said('42501'), 'refused', 'database_permission'],
  ['a socket we may not use', systemError('EACCES'), 'refused', 'database_permission'],
  [
    'no password at all',
    new Error('SASL: SCRAM-SERVER-FIRST-MESSAGE: client password must be a string'),
    'refused',
    'database_login',
  ],
  ['an unknown parameter', said('42704'), 'hopeless', 'database_parameter'],
  [
    'a parameter a pooler does not take',
    said('08P01', 'unsupported startup parameter: options'),
    'hopeless',
    'database_parameter',
  ],
  ['an unknown protocol', said('0A000'), 'hopeless', 'database_protocol'],
  [
    'a server without TLS',
    new Error('The server does not support SSL connections'),
    'hopeless',
    'database_tls',
  ],
  ['an expired certificate', tlsError('CERT_HAS_EXPIRED'), 'hopeless', 'database_certificate'],
  [
    'an unknown issuer',
    tlsError('UNABLE_TO_VERIFY_LEAF_SIGNATURE'),
    'hopeless',
    'database_certificate',
  ],
  [
    'a certificate for another host',
    tlsError('ERR_TLS_CERT_ALTNAME_INVALID'),
    'hopeless',
    'database_certificate',
  ],
  ['no TLS behind the port', tlsError('ERR_SSL_WRONG_VERSION_NUMBER'), 'hopeless', 'database_tls'],
  ['a certificate file', systemError('ENOENT', 'open'), 'hopeless', 'database_address'],
])('before it ever worked: %s', (_what, error, kind, code) => {
  expect(databaseFailure(error)).toMatchObject({ kind, code });
  expect(databaseFailure(new AggregateError([error], 'addresses'))).toMatchObject({ kind, code });
});

test.each([
  ['an error of our own', new TypeError('undefined is not a function')],
  ['no error at all', 'ECONNREFUSED'],
  ['a schema that does not fit', new SchemaMismatch('version 3')],
])('none of the server: %s', (_what, error) => {
  expect(databaseFailure(error)).toBeNull();
});

test('at work a missing right is waited out, and whatever keeps us from a connection', () => {
  const right = new WriteError({ kind: 'refused', sqlState: '42501' }, said('42501'));
  expect(databaseFailureAtWork(right)).toMatchObject({ code: 'database_permission' });
  const certificate = tlsError('CERT_HAS_EXPIRED');
  expect(databaseFailureAtWork(certificate)).toBeNull();
  noteConnectFailure(certificate);
  expect(databaseFailureAtWork(certificate)).toMatchObject({ code: 'database_certificate' });
  expect(databaseFailureAtWork(new SchemaMismatch('version 3'))).toMatchObject({
    code: 'schema_mismatch',
  });
  expect(databaseFailureAtWork(said('42P01'))).toBeNull();
});

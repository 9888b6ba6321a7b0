import type { ServerFailure } from '@adtally/pacing';
import { DatabaseError } from 'pg';
import { AddressError } from './address/address.ts';
import { PasswordUnavailable } from './password-source.ts';
import { isTransientError, WriteError } from './pg-errors.ts';
import { PoolerUnsuitable } from './pooler.ts';
import { SchemaMismatch } from './schema-version.ts';
import { isAway } from './server-away.ts';

type Meaning = Pick<ServerFailure, 'kind' | 'code'>;

/** By SQLSTATE, or by its class where the whole class means the same. */
const SQL_STATES: Readonly<Record<string, Meaning>> = {
  '28': { kind: 'refused', code: 'database_login' },
  '3D000': { kind: 'refused', code: 'database_missing' },
  '42501': { kind: 'refused', code: 'database_permission' },
  // Only who connects with parameters of its own meets these: the address asks for something unknown.
  '22023': { kind: 'hopeless', code: 'database_parameter' },
  '42704': { kind: 'hopeless', code: 'database_parameter' },
  '55P02': { kind: 'hopeless', code: 'database_parameter' },
  '0A': { kind: 'hopeless', code: 'database_protocol' },
};
/** Also what poolers say of everything, with the session's end (FATAL). */
const PROTOCOL_VIOLATION = '08P01';
const UNSUPPORTED = /unsupported (?:startup parameter|frontend protocol)/i;

/** The driver's own words, which have no codes: logins it cannot do, and servers without TLS. */
const WORDS: readonly (readonly [RegExp, Meaning])[] = [
  [/^SASL: .*password/, { kind: 'refused', code: 'database_login' }],
  [
    /^SASL: |authentication (?:method|type|response)/i,
    { kind: 'hopeless', code: 'database_protocol' },
  ],
  [/does not support SSL connections/, { kind: 'hopeless', code: 'database_tls' }],
];
/** Node's and OpenSSL's codes: what is said of a certificate, and of a peer that speaks something else. */
const CERTIFICATE = /CERT|SIGNATURE|^ERR_TLS|CHAIN|CRL|ISSUER/;
const TLS_PROTOCOL = /^(?:ERR_SSL|ERR_OSSL|EPROTO$)/;
/** A file of the address (a certificate, a key), or a unix socket that we may not use. */
const FILE_CODES = new Set(['ENOENT', 'EACCES', 'EPERM', 'EISDIR', 'ENOTDIR']);

/**
 * What a failure at PostgreSQL means for who waits for it. Total for whatever comes while a connection is
 * opened; null for what is no failure of server, network or address.
 */
export function databaseFailure(error: unknown): ServerFailure | null {
  if (error instanceof AggregateError && error.errors.length > 0) {
    return databaseFailure(error.errors[0]);
  }
  if (!(error instanceof Error)) return null;
  const meaning = meaningOf(error);
  return meaning === null ? null : { ...meaning, detail: detailOf(error) };
}

/**
 * The same for a process that has worked with its database: whatever keeps it from a connection is waited
 * out, and of its statements what may be asked again. Null where waiting is no answer.
 */
export function databaseFailureAtWork(error: unknown): ServerFailure | null {
  const detail = error instanceof Error ? error.message : String(error);
  if (error instanceof SchemaMismatch) return { kind: 'away', code: 'schema_mismatch', detail };
  if (!isTransientError(error)) return null;
  const known = databaseFailure(error instanceof WriteError ? error.cause : error);
  return known ?? { kind: 'away', code: 'database_unreachable', detail };
}

function meaningOf(error: Error): Meaning | null {
  if (error instanceof AddressError) return { kind: 'hopeless', code: 'database_address' };
  if (error instanceof PasswordUnavailable) return { kind: 'refused', code: 'database_password' };
  if (error instanceof PoolerUnsuitable) return { kind: 'hopeless', code: 'database_pooler' };
  const { code, syscall } = error as NodeJS.ErrnoException;
  if (error instanceof DatabaseError) return meaningOfState(error, code ?? '');
  if (isAway(error)) return { kind: 'away', code: 'database_unreachable' };
  if (code === undefined) return WORDS.find(([words]) => words.test(error.message))?.[1] ?? null;
  if (CERTIFICATE.test(code)) return { kind: 'hopeless', code: 'database_certificate' };
  if (TLS_PROTOCOL.test(code)) return { kind: 'hopeless', code: 'database_tls' };
  if (syscall === 'connect' && FILE_CODES.has(code)) {
    return { kind: 'refused', code: 'database_permission' };
  }
  if (FILE_CODES.has(code)) return { kind: 'hopeless', code: 'database_address' };
  if (code === 'ERR_INVALID_URL') return { kind: 'hopeless', code: 'database_address' };
  if (syscall !== undefined) return { kind: 'away', code: 'database_unreachable' };
  return null;
}

function meaningOfState(error: DatabaseError, sqlState: string): Meaning {
  const known = SQL_STATES[sqlState] ?? SQL_STATES[sqlState.slice(0, 2)];
  if (known !== undefined) return known;
  if (sqlState === PROTOCOL_VIOLATION) {
    return UNSUPPORTED.test(error.message)
      ? { kind: 'hopeless', code: 'database_parameter' }
      : { kind: 'away', code: 'database_protocol_violation' };
  }
  if (isAway(error)) return { kind: 'away', code: 'database_unreachable' };
  return { kind: 'away', code: 'database_refuses' };
}

function detailOf(error: Error): string {
  const { code } = error as NodeJS.ErrnoException;
  const words = error.message || code || error.name;
  return error instanceof DatabaseError && code !== undefined
    ? `${words} (SQLSTATE ${code})`
    : words;
}

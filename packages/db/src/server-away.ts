import { DatabaseError } from 'pg';

/** What Node and the resolver report where no server answers, or an answer breaks off. */
const AWAY = new Set([
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
  // This machine has no address, descriptor or memory left for one more connection.
  'EADDRNOTAVAIL',
  'EMFILE',
  'ENFILE',
  'ENOBUFS',
  'ENOMEM',
  // A name that is not found now: in clusters it comes and goes with the server.
  'ENOTFOUND',
  'EAI_AGAIN',
  'EAI_FAIL',
  'EAI_NODATA',
  'ERR_STREAM_DESTROYED',
  'ERR_STREAM_PREMATURE_CLOSE',
  'ERR_SOCKET_CLOSED',
  'ERR_SOCKET_CONNECTION_TIMEOUT',
  // TLS cut short. What a certificate or a protocol is refused for is told apart by its own codes.
  'ERR_SSL_UNEXPECTED_EOF_WHILE_READING',
  'ERR_TLS_HANDSHAKE_TIMEOUT',
]);

/** Of a unix socket alone: no server has made it, or its queue is full. A file has the same codes. */
const AWAY_AT_CONNECT = new Set(['ENOENT', 'EAGAIN']);

/** Said by the driver and its pool, which give no codes. */
const AWAY_IN_WORDS = [
  /^Connection terminated/,
  /^timeout expired$/,
  /^timeout exceeded when trying to connect$/,
  /^Query read timeout$/,
  /^Client has encountered a connection error and is not queryable$/,
  /^Client was closed and is not queryable$/,
  // The query builder's, of a session that was gone when it was to be rolled back.
  /^Postgres connection has been discarded$/,
  // The answer to asking for TLS was an error: a server without a process to spare.
  /^There was an error establishing an SSL connection$/,
  // Our own of several hosts, while a failover is under way.
  /^no host of DATABASE_URL takes writes: /,
  // Our own of a pooler that is full.
  /^DATABASE_URL leads through a pooler that gives no further session /,
];

/** 08xxx: the connection is lost; 57P0x: starting up or shutting down; 53xxx: nothing left for one more. */
const AWAY_BY_SQL_STATE = /^(?:08\w{3}|57P0\d|53\w{3})$/;

/**
 * True where PostgreSQL cannot be reached, was lost, or takes nobody now: the one table of what that looks
 * like. An error that it does not know is false.
 */
export function isAway(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (error instanceof AggregateError) return error.errors.some(isAway);
  const { code, syscall } = error as NodeJS.ErrnoException;
  if (error instanceof DatabaseError) return AWAY_BY_SQL_STATE.test(code ?? '');
  if (code === undefined) return AWAY_IN_WORDS.some((words) => words.test(error.message));
  return AWAY.has(code) || (syscall === 'connect' && AWAY_AT_CONNECT.has(code));
}

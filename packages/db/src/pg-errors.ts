import { DatabaseError } from 'pg';
import { isConnectFailure } from './connect-failures.ts';
import { isAway } from './server-away.ts';

/** Which statement of the batch's transaction raised an error. */
export type WritePhase = 'events' | 'other';

/**
 * What an error of the write transaction means for the batch (docs/architecture.md, "Errors"):
 * - `fenced`: a cursor or epoch is not what the batch assumed; `sourceIds` names the stale ones
 * - `horizon_moved`: classify again and write again
 * - `frontier_moved`: write again, now noting what lies below the frontier
 * - `key_taken`: COPY met a key that is there already; write the batch the verified way
 * - `outcome_unknown`: the session is gone and nobody told us whether COMMIT happened
 * - `transient`: the database cannot take anything now; back off and retry the same range
 * - `refused`: it does not let us do this; back off and retry, and say so until a person gives the right back
 * - `data`: the database refuses some row of `events`; find it
 * - `bug`: anything else; stop and alert
 */
export type WriteFailure =
  | { readonly kind: 'fenced'; readonly sourceIds: readonly number[] }
  | { readonly kind: 'horizon_moved' }
  | { readonly kind: 'frontier_moved'; readonly frontierMs: number }
  | { readonly kind: 'key_taken' }
  | { readonly kind: 'outcome_unknown' }
  | { readonly kind: 'transient'; readonly sqlState: string; readonly phase: WritePhase }
  | { readonly kind: 'refused'; readonly sqlState: string }
  | { readonly kind: 'data'; readonly sqlState: string }
  | { readonly kind: 'bug'; readonly sqlState: string | null };

/** The batch could not be written; `failure` says what follows from it, `cause` is the driver's error. */
export class WriteError extends Error {
  override readonly name = 'WriteError';
  readonly failure: WriteFailure;

  constructor(failure: WriteFailure, cause: unknown) {
    super(`batch not written (${failure.kind}): ${messageOf(cause)}`, { cause });
    this.failure = failure;
  }
}

const FENCED = 'ADT01';
const HORIZON_MOVED = 'ADT02';
const FRONTIER_MOVED = 'ADT04';
/** Ends of the session whose outcome the client cannot know: 08xxx and these. */
const SESSION_ENDED = new Set([
  '57P01', // admin_shutdown: also what an eviction looks like from the inside
  '57P02', // crash_shutdown
  '57P05', // idle_session_timeout
  '25P03', // idle_in_transaction_session_timeout
]);
const TRANSIENT = new Set([
  '57P03', // cannot_connect_now
  '25006', // read_only_sql_transaction: a failover in progress
  '55P03', // lock_not_available
  '57014', // query_canceled: statement_timeout
]);
/** 28xxx: our login; 3D000: the database is gone; 42501: a right that is missing. */
const REFUSED = /^(?:28\w{3}|3D000|42501)$/;
/** The server says that we do not keep to its protocol. */
const PROTOCOL_VIOLATION = '08P01';
const TRANSIENT_CLASSES = new Set(['53', '40', '58']);
const DATA_CLASSES = new Set(['22', '23']);
/** Temporary CHECKs on the default partition while builds before schema 26 attach a day. */
const PARTITION_DDL_CHECK = 'events_default_excludes_';

/** Classifies a driver error; total: an error it does not know is a `bug`. */
export function classifyWriteError(error: unknown, phase: WritePhase): WriteFailure {
  if (!(error instanceof DatabaseError) || error.code === undefined) {
    return isAway(error) ? { kind: 'outcome_unknown' } : { kind: 'bug', sqlState: null };
  }
  const sqlState = error.code;
  if (sqlState === FENCED) return { kind: 'fenced', sourceIds: parseIds(error.detail) };
  if (sqlState === HORIZON_MOVED) return { kind: 'horizon_moved' };
  if (sqlState === FRONTIER_MOVED) {
    return { kind: 'frontier_moved', frontierMs: Number(error.detail) };
  }
  if (isOurProtocolError(error)) return { kind: 'bug', sqlState };
  if (sqlState.startsWith('08') || SESSION_ENDED.has(sqlState)) return { kind: 'outcome_unknown' };
  if (TRANSIENT.has(sqlState) || TRANSIENT_CLASSES.has(sqlState.slice(0, 2))) {
    return { kind: 'transient', sqlState, phase };
  }
  if (REFUSED.test(sqlState)) return { kind: 'refused', sqlState };
  if (phase === 'events') {
    if (isPartitionDdl(error)) return { kind: 'transient', sqlState, phase };
    if (isEventKeyTaken(error)) return { kind: 'key_taken' };
    if (DATA_CLASSES.has(sqlState.slice(0, 2))) return { kind: 'data', sqlState };
  }
  return { kind: 'bug', sqlState };
}

/**
 * A message of ours that PostgreSQL cannot read, session and transaction left as they were: the same would be
 * refused for ever. Poolers say 08P01 of every loss of theirs, but end the session with it.
 */
function isOurProtocolError({ code, severity }: DatabaseError): boolean {
  return code === PROTOCOL_VIOLATION && severity === 'ERROR';
}

/** A row that finds no partition for a moment, because one is being attached. */
function isPartitionDdl(error: DatabaseError): boolean {
  if (error.code !== '23514') return false;
  return error.constraint === undefined || error.constraint.startsWith(PARTITION_DDL_CHECK);
}

function isEventKeyTaken(error: DatabaseError): boolean {
  return error.code === '23505' && /^events_\w+_pkey$/.test(error.constraint ?? '');
}

/** True where waiting and trying again is the answer, whatever was being done. */
export function isTransientError(error: unknown): boolean {
  if (isConnectFailure(error)) return true;
  const { kind } = error instanceof WriteError ? error.failure : classifyWriteError(error, 'other');
  return kind === 'transient' || kind === 'outcome_unknown' || kind === 'refused';
}

function parseIds(detail: string | undefined): number[] {
  return (detail ?? '').split(',').filter(Boolean).map(Number);
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}

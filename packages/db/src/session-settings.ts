/** Bounds that differ from session to session, in milliseconds; 0 = unbounded. */
export interface SessionBounds {
  readonly statementTimeoutMs: number;
  readonly lockTimeoutMs: number;
  readonly idleInTransactionMs: number;
}

/**
 * What every session of ours runs under. A database and a role have defaults of their own (ALTER DATABASE,
 * ALTER ROLE), and an address may ask for more (`options`): none of them may change what a statement means,
 * whether it is written durably, or what is read back. Memory, parallelism and costs stay the owner's to tune.
 */
const SETTINGS: Readonly<Record<string, string>> = {
  // Before the path, which is kept as it would be shown.
  quote_all_identifiers: 'off',
  search_path: 'public',
  // How values look on their way here and back.
  client_encoding: 'UTF8',
  DateStyle: 'ISO, MDY',
  IntervalStyle: 'postgres',
  TimeZone: 'UTC',
  bytea_output: 'hex',
  extra_float_digits: '1',
  xmloption: 'content',
  lc_numeric: 'C',
  lc_monetary: 'C',
  lc_time: 'C',
  // How a statement is read.
  standard_conforming_strings: 'on',
  backslash_quote: 'safe_encoding',
  array_nulls: 'on',
  transform_null_equals: 'off',
  check_function_bodies: 'on',
  'plpgsql.extra_errors': 'none',
  row_security: 'on',
  default_table_access_method: 'heap',
  // What a transaction is.
  synchronous_commit: 'on',
  default_transaction_isolation: 'read committed',
  default_transaction_read_only: 'off',
  default_transaction_deferrable: 'off',
  idle_session_timeout: '0',
  // Plans that were switched off, for whatever other statement.
  enable_seqscan: 'on',
  enable_indexscan: 'on',
  enable_indexonlyscan: 'on',
  enable_bitmapscan: 'on',
  enable_hashjoin: 'on',
  enable_mergejoin: 'on',
  enable_nestloop: 'on',
  enable_hashagg: 'on',
  enable_sort: 'on',
  enable_partition_pruning: 'on',
  plan_cache_mode: 'auto',
};

/** Their values are lists of words: in quotes they would be one word. */
const LISTS = new Set(['search_path', 'DateStyle']);

/** From PostgreSQL 17 on: it would end an audit or a long piece of a rebuild. */
const NO_TRANSACTION_TIMEOUT = `SELECT pg_catalog.set_config('transaction_timeout', '0', false)
  WHERE pg_catalog.current_setting('transaction_timeout', true) IS NOT NULL`;

/**
 * The text that states all of it, sent once on each new connection and answered before its first query.
 *
 * A statement and not startup parameters: those a session-mode pooler refuses or leaves out, and it is one
 * round trip a connection, none a query. Nothing of ours resets a session, so it holds until the connection ends.
 *
 * @param special settings of this kind of session, above those of all
 */
export function statedSettings(
  bounds: SessionBounds,
  special: Readonly<Record<string, string>> = {},
): string {
  const settings = {
    // First of all: the owner's own limit holds until then.
    statement_timeout: `${bounds.statementTimeoutMs}`,
    lock_timeout: `${bounds.lockTimeoutMs}`,
    idle_in_transaction_session_timeout: `${bounds.idleInTransactionMs}`,
    ...SETTINGS,
    ...special,
  };
  const statements = Object.entries(settings).map(([name, value]) =>
    LISTS.has(name) ? `SET ${name} = ${value}` : `SET ${name} = '${value}'`,
  );
  return [...statements, NO_TRANSACTION_TIMEOUT].join('; ');
}

import { Client } from 'pg';

/** What an owner may have set for a database or a role: everything that changes what a statement means. */
export const HOSTILE_SETTINGS: Readonly<Record<string, string>> = {
  search_path: 'nowhere',
  datestyle: 'SQL, DMY',
  intervalstyle: 'sql_standard',
  timezone: 'Pacific/Chatham',
  bytea_output: 'escape',
  extra_float_digits: '-15',
  standard_conforming_strings: 'off',
  backslash_quote: 'on',
  client_encoding: 'LATIN1',
  array_nulls: 'off',
  transform_null_equals: 'on',
  quote_all_identifiers: 'on',
  xmloption: 'document',
  default_transaction_isolation: 'serializable',
  default_transaction_read_only: 'on',
  default_transaction_deferrable: 'on',
  synchronous_commit: 'off',
  row_security: 'off',
  check_function_bodies: 'off',
  statement_timeout: '100ms',
  lock_timeout: '1ms',
  idle_in_transaction_session_timeout: '100ms',
  idle_session_timeout: '100ms',
  enable_seqscan: 'off',
  enable_indexscan: 'off',
  enable_bitmapscan: 'off',
  enable_hashjoin: 'off',
  enable_mergejoin: 'off',
  enable_nestloop: 'off',
  enable_hashagg: 'off',
  enable_sort: 'off',
  enable_partition_pruning: 'off',
  plan_cache_mode: 'force_custom_plan',
};

/** Sets all of them for the database that `url` names, or for its user in that database, which is stronger. */
export async function setHostileSettings(url: string, of: 'database' | 'role'): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  const name = client.escapeIdentifier(client.database ?? '');
  const target = of === 'database' ? `DATABASE ${name}` : `ROLE CURRENT_USER IN DATABASE ${name}`;
  try {
    const statements = Object.entries(HOSTILE_SETTINGS).map(
      ([setting, value]) =>
        `ALTER ${target} SET ${setting} = ${setting === 'datestyle' ? value : `'${value}'`}`,
    );
    await client.query(statements.join(';'));
  } finally {
    await client.end();
  }
}

import { servers } from '@adtally/testkit';
import { Client } from 'pg';
import { expect, test } from 'vitest';
import { StatementCounter } from '../src/wal/statement-counter.ts';

const LONG = 'x'.repeat(200_000);

test('queries and executions are counted, whatever size they have', async () => {
  const { databaseUrl } = await servers();
  const counter = await StatementCounter.before(databaseUrl);
  const client = new Client({ connectionString: counter.addressOf(databaseUrl) });
  try {
    await client.connect();
    const before = counter.statements;
    await client.query('SELECT 1');
    // What looks like messages in a body is none.
    await client.query('SELECT $1::text', [`Q\0\0\0\u0004${LONG}E\0`.replaceAll('\0', ' ')]);
    await client.query({ name: 'prepared', text: 'SELECT $1::text', values: [LONG] });
    await client.query({ name: 'prepared', text: 'SELECT $1::text', values: ['E'] });
    expect(counter.statements - before).toBe(4);
  } finally {
    await client.end();
    counter.close();
  }
});

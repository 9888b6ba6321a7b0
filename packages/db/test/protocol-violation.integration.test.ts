import { databaseUrl } from '@adtally/testkit';
import { expect, onTestFinished, test } from 'vitest';
import { classifyWriteError, isTransientError } from '../src/pg-errors.ts';
import { WriterSession } from '../src/writer-session.ts';

test('a message that PostgreSQL cannot read is a bug: the session lives, and the same would be refused for ever', async () => {
  const session = await WriterSession.connect({
    databaseUrl: await databaseUrl(),
    applicationName: 'test',
    lockTimeoutMs: 1_000,
    statementTimeoutMs: 5_000,
    connectTimeoutMs: 5_000,
  });
  onTestFinished(() => session.close());
  const refused = await session
    .query('SELECT $1::int, $2::int', [1])
    .catch((error: unknown) => error);
  expect(refused).toMatchObject({ code: '08P01', severity: 'ERROR' });
  expect(classifyWriteError(refused, 'other')).toEqual({ kind: 'bug', sqlState: '08P01' });
  expect(isTransientError(refused)).toBe(false);
  expect(session.isUsable).toBe(true);
});

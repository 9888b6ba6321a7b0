import { hasKafkaServer, hasPostgresServer, hasRedisServer } from '@adtally/testkit';
import { expect, test } from 'vitest';
import { chaos, chaosText } from '../src/index.ts';

const hasServers = hasKafkaServer() && hasPostgresServer() && hasRedisServer();

// A short one of the runs that last for half an hour: most kinds of faults, several at a time.
test.runIf(hasServers)(
  'I8: under faults that overlap nothing is lost, doubled or unexplained, and I13: all goes on by itself',
  { timeout: 900_000 },
  async () => {
    const result = await chaos({ seed: 1, seconds: 180, rate: 100, say: () => undefined });
    expect(chaosText(result)).toMatch(/^Nothing lost, nothing doubled, nothing unexplained\.$/m);
    expect(result.problems).toEqual([]);
    expect(result.faults.length).toBeGreaterThan(30);
    expect(result.faults.filter(({ evidence }) => evidence === null)).toEqual([]);
    expect(result.verdict?.books).toMatch(/^exact: \d+ records$/);
    expect(result.verdict?.recount).toMatch(/^agrees: database: \d+ offsets/);
    expect(result.audits).toBeGreaterThan(0);
  },
);

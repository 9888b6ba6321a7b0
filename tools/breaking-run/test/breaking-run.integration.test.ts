import { hasKafkaServer, hasPostgresServer, hasRedisServer } from '@adtally/testkit';
import { expect, test } from 'vitest';
import { breakingRun } from '../src/index.ts';

const hasServers = hasKafkaServer() && hasPostgresServer() && hasRedisServer();

// One kind for a few seconds, so that the run that takes an hour still runs.
test.runIf(hasServers)(
  'a broken database is proved, visible, named and healed, and the count is exact',
  { timeout: 300_000 },
  async () => {
    const [result] = await breakingRun({
      kinds: ['postgres-cut-off'],
      seconds: 5,
      jobs: 1,
      say: () => undefined,
    });
    expect(result).toMatchObject({
      name: 'postgres-cut-off',
      evidence: 'no connection',
      exact: expect.stringMatching(/^exact: \d+ records$/),
      problems: [],
    });
  },
);

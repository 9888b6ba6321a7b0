import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';
import { servers } from '@adtally/testkit';
import { expect, test } from 'vitest';

const MAIN = resolve(import.meta.dirname, '../src/main.ts');
/** Its own neighbour: needs no server and is over in no time. */
const PART = 'tools/cli/src/testing/repeat.test.ts';

test('--repeat runs a part so often, tells each run and ends with the totals of all', async () => {
  const { kafkaBrokers, databaseUrl, redisUrl } = await servers();
  const { status, stdout } = spawnSync(
    process.execPath,
    ['--conditions=@adtally/source', MAIN, 'test', '--repeat', '2', PART],
    {
      encoding: 'utf8',
      env: {
        ...process.env,
        KAFKA_BROKERS: kafkaBrokers,
        DATABASE_URL: databaseUrl,
        REDIS_URL: redisUrl,
      },
    },
  );
  const told = [...stdout.matchAll(/^run (\d) of 2: (\d+) passed, 0 failed, 0 skipped$/gm)];
  expect(told.map(([, run]) => run)).toEqual(['1', '2']);
  const passed = told.reduce((sum, [, , count]) => sum + Number(count), 0);
  expect(passed).toBeGreaterThan(0);
  expect(stdout.trimEnd().split('\n').at(-1)).toBe(`${passed} passed, 0 failed, 0 skipped`);
  expect(status).toBe(0);
});

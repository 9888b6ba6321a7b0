import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readKafkaSettings } from '@adtally/kafka/env';
import { servers } from '@adtally/testkit';
import { expect, test } from 'vitest';
import { measureDeploy } from '../src/deploy/measure-deploy.ts';
import { Bench } from '../src/lines/bench.ts';
import { FULL, type DeploySize } from '../src/lines/sizes.ts';
import { withServers } from '../src/servers.ts';

/** Nothing is asserted of time; a machine that is busy may take long to start a process. */
const SMALL: DeploySize = {
  rate: 200,
  warmUpSeconds: 1,
  steadySeconds: 1,
  windowSeconds: 1,
  deploySeconds: 3,
};

test(
  'a process killed under load and started again loses nothing, and its pause and lag are seen',
  { timeout: 240_000 },
  async () => {
    const addresses = await servers();
    const kafka = readKafkaSettings({ KAFKA_BROKERS: addresses.kafkaBrokers });
    const way = { how: 'kill', protocol: 'consumer', isStatic: false } as const;
    const { signal } = new AbortController();
    const measured = await withServers(
      addresses,
      kafka,
      async (found) =>
        await measureDeploy(
          new Bench(found, {
            sizes: FULL,
            seed: 1,
            against: null,
            loadsFile: join(tmpdir(), 'adtally-no-loads.json'),
            picture: null,
            onProgress: () => undefined,
            signal,
          }),
          'kill',
          way,
          SMALL,
        ),
    );
    expect(measured.problems).toEqual([]);
    expect(measured.deploy.lagRecords).toBeGreaterThan(0);
    // Nobody counted in the window.
    expect(measured.deploy.pauseMs).toBeGreaterThanOrEqual(SMALL.windowSeconds * 1_000);
    expect(measured.duplicates).toBe(0);
  },
);

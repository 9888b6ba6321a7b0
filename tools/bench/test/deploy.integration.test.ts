import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readKafkaSettings } from '@adtally/kafka/env';
import { servers } from '@adtally/testkit';
import { expect, test } from 'vitest';
import { type DeployMeasurement, measureDeploy } from '../src/deploy/measure-deploy.ts';
import { DEPLOY_WAYS, type DeployWay } from '../src/deploy/ways.ts';
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

const TIMEOUT_MS = 240_000;

async function measured(name: string, way: DeployWay): Promise<DeployMeasurement> {
  const addresses = await servers();
  const kafka = readKafkaSettings({ KAFKA_BROKERS: addresses.kafkaBrokers });
  const { signal } = new AbortController();
  return await withServers(
    addresses,
    kafka,
    async (found) =>
      await measureDeploy(
        new Bench(found, {
          sizes: FULL,
          seed: 1,
          against: null,
          loadsFile: join(tmpdir(), 'adtally-no-loads.json'),
          ways: null,
          picture: null,
          onProgress: () => undefined,
          signal,
        }),
        name,
        way,
        SMALL,
      ),
  );
}

test(
  'a process killed under load and started again loses nothing, and its pause and lag are seen',
  { timeout: TIMEOUT_MS },
  async () => {
    const { problems, deploy, duplicates } = await measured('kill', DEPLOY_WAYS.kill);
    expect(problems).toEqual([]);
    expect(deploy.lagRecords).toBeGreaterThan(0);
    // Nobody counted in the window.
    expect(deploy.pauseMs).toBeGreaterThanOrEqual(SMALL.windowSeconds * 1_000);
    expect(duplicates).toBe(0);
  },
);

test(
  'static members that are relieved one after the other lose nothing, and write nothing twice',
  { timeout: TIMEOUT_MS },
  async () => {
    const { problems, duplicates } = await measured('surge', DEPLOY_WAYS.rolling_static);
    expect({ problems, duplicates }).toEqual({ problems: [], duplicates: 0 });
  },
);

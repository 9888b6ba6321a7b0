import { setTimeout as sleep } from 'node:timers/promises';
import { hasKafkaServer, kafkaCluster } from '@adtally/testkit';
import { expect, onTestFinished, test } from 'vitest';
import { KafkaAdmin } from '../src/index.ts';

const WATCHED_MS = 4_000;

test.runIf(hasKafkaServer())(
  'a request that waits for brokers that are gone costs next to no CPU',
  async () => {
    const cluster = await kafkaCluster();
    onTestFinished(() => cluster.close());
    const admin = new KafkaAdmin(
      { brokers: cluster.brokers, clientId: 'adtally-test', security: {} },
      { requestTimeoutMs: 2 * WATCHED_MS },
    );
    onTestFinished(() => admin.close());
    expect(await admin.describeTopic('none')).toBeNull();
    await cluster.kill(1);
    const asked = admin.describeTopic('none').catch((error: unknown) => error);
    await sleep(1_000);
    const before = process.cpuUsage();
    await sleep(WATCHED_MS);
    const { user, system } = process.cpuUsage(before);
    // Two thirds of a core where the client tries to connect without a pause.
    expect((user + system) / 1_000 / WATCHED_MS).toBeLessThan(0.25);
    expect(await asked).toBeInstanceOf(Error);
  },
);

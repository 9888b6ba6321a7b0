import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { AppProcess } from '../src/demo/app-process.ts';

test('an app that is stopped right after its start ends in order', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'adtally-app-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  // Nobody answers there: it waits for its servers.
  const env = {
    ...process.env,
    KAFKA_BROKERS: '127.0.0.1:1',
    DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none',
    REDIS_URL: '',
    ADMIN_PORT: '0',
  };
  const log = join(folder, 'consumer.log');
  const consumer = await AppProcess.start('ingest-consumer', 'consumer', log, env);
  expect(await consumer.stop()).toBe(0);
});

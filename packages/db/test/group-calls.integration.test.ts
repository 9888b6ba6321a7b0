import { databaseUrl as anyDatabase } from '@adtally/testkit';
import { expect, onTestFinished, test } from 'vitest';
import { callGroup, openDatabase, sayGoodbye, WriterSession } from '../src/index.ts';

const OPTIONS = {
  applicationName: 'test',
  lockTimeoutMs: 1_000,
  statementTimeoutMs: 5_000,
  connectTimeoutMs: 5_000,
};

test('a session hears the calls of its own group, between two statements, and no others', async () => {
  const databaseUrl = await anyDatabase();
  const db = openDatabase(databaseUrl, { applicationName: 'test', maxConnections: 1 });
  onTestFinished(() => db.destroy());
  let calls = 0;
  const session = await WriterSession.connect({
    ...OPTIONS,
    databaseUrl,
    calls: { group: 'counts', onCall: () => (calls += 1) },
  });
  onTestFinished(() => session.destroy());
  await callGroup(db, 'another');
  await callGroup(db, 'counts');
  await expect.poll(() => calls).toBe(1);
  const busy = session.query('SELECT pg_sleep(0.3)');
  await callGroup(db, 'counts');
  await busy;
  await expect.poll(() => calls).toBe(2);
});

test('a goodbye is a call, and tells who left; what only looks like one is nobody’s', async () => {
  const databaseUrl = await anyDatabase();
  const db = openDatabase(databaseUrl, { applicationName: 'test', maxConnections: 1 });
  onTestFinished(() => db.destroy());
  const heard: string[] = [];
  const session = await WriterSession.connect({
    ...OPTIONS,
    databaseUrl,
    calls: {
      group: 'leaves',
      onCall: () => heard.push('call'),
      onGoodbye: (instanceId) => heard.push(instanceId),
    },
  });
  onTestFinished(() => session.destroy());
  await sayGoodbye(db, 'another', 'place-1');
  for (const payload of ['["leaves"]', '[', '{"leaves":1}', '["leaves",1]', 'null']) {
    await callGroup(db, payload);
  }
  await sayGoodbye(db, 'leaves', 'place-1');
  await expect.poll(() => heard).toEqual(['call', 'place-1']);
});

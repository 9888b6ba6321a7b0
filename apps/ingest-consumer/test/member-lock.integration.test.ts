import { WriterSession } from '@adtally/db';
import { databaseUrl as anyDatabase, uniqueName } from '@adtally/testkit';
import { expect, onTestFinished, test } from 'vitest';
import { memberHolder, tryMemberLock } from '../src/static-member/member-lock.ts';

const SILENT_MS = 300;

async function sessions() {
  const databaseUrl = await anyDatabase();
  const open = async () => {
    const session = await WriterSession.connect({
      databaseUrl,
      applicationName: 'test',
      lockTimeoutMs: 1_000,
      statementTimeoutMs: 5_000,
      connectTimeoutMs: 5_000,
    });
    onTestFinished(() => session.destroy());
    return session;
  };
  return await Promise.all([open(), open()]);
}

test('one session has the lock of a member, is seen to live or to be silent, and gives it back by its end', async () => {
  const [first, second] = await sessions();
  // Ids whose keys are negative numbers among them.
  for (let index = 0; index < 8; index += 1) {
    const member = { group: uniqueName('group'), instanceId: `place-${index}` };
    expect(await memberHolder(second, member)).toBeNull();
    expect(await tryMemberLock(first, member)).toBe(true);
    expect(await tryMemberLock(second, member)).toBe(false);
    expect(await tryMemberLock(second, { ...member, instanceId: 'another' })).toBe(true);
    expect(await memberHolder(second, member)).toEqual({ silentMs: expect.any(Number) });
  }
  const member = { group: uniqueName('group'), instanceId: 'place-1' };
  await tryMemberLock(first, member);
  await new Promise((resolve) => setTimeout(resolve, SILENT_MS));
  expect((await memberHolder(second, member))?.silentMs).toBeGreaterThanOrEqual(SILENT_MS);
  await first.query('SELECT 1');
  expect((await memberHolder(second, member))?.silentMs).toBeLessThan(SILENT_MS);
  await first.close();
  await expect.poll(() => memberHolder(second, member)).toBeNull();
  expect(await tryMemberLock(second, member)).toBe(true);
});

import { freePort, hasRedisServer, testRedis } from '@adtally/testkit';
import { Redis } from 'ioredis';
import { expect, onTestFinished, test } from 'vitest';
import { redisCheck } from '../src/check-connection.ts';

/** What the check says of this address: that it works, or which kind of failure. */
async function said(url: string): Promise<string> {
  const check = redisCheck(url);
  return await check.attempt().then(
    (words) => words,
    (error: unknown) => check.explain(error).kind,
  );
}

test.runIf(hasRedisServer())(
  'a server that refuses us is told from one that is away, and one that serves from both',
  async () => {
    const redis = await testRedis({ config: { requirepass: 'right' } });
    onTestFinished(() => redis.close());
    const { host } = new URL(redis.url);
    // With the rights of a deduplicator alone.
    const admin = new Redis(redis.url);
    onTestFinished(() => admin.disconnect());
    const allowed = ['+smismember', '+sadd', '+expire', '+info', '+hello', '+client|setname'];
    await admin.call('ACL', 'SETUSER', 'adtally', 'on', '>own', '~test:*', '-@all', ...allowed);
    const of = (login: string) => said(`redis://${login}@${host}`);
    expect([await of(':right'), await of('adtally:own')]).toEqual(['it answers', 'it answers']);
    expect([await of(':wrong'), await of('nobody:own')]).toEqual(['refused', 'refused']);
    expect(await said(`redis://${host}`)).toBe('refused');
    expect(await said(`redis://127.0.0.1:${await freePort()}`)).toBe('away');
  },
);

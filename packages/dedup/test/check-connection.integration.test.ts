import { hasRedisServer, testRedis } from '@adtally/testkit';
import { Redis } from 'ioredis';
import { expect, onTestFinished, test } from 'vitest';
import { redisCheck, redisKeyPrefix } from '../src/index.ts';

const USER = 'adtally';
const PASSWORD = 'canary-7731';
const TOPIC = 'events';
/** What a deduplicator uses, and what its client does. */
const LEAST = ['+smismember', '+sadd', '+expire', '+info', '+hello', '+client|setname'];

/** What the check says of an address: what works, or the kind of failure and its words. */
async function told(url: string): Promise<string> {
  const { attempt, explain } = redisCheck(url, redisKeyPrefix(TOPIC));
  try {
    return await attempt();
  } catch (error) {
    const { kind, code, detail } = explain(error);
    expect(detail).not.toContain('canary');
    return `${kind} ${code}: ${detail}`;
  }
}

test.runIf(hasRedisServer())(
  'what Redis refuses is told apart from a Redis that is away',
  async () => {
    await using redis = await testRedis();
    const admin = new Redis(redis.url);
    onTestFinished(() => admin.disconnect());
    const { host } = new URL(redis.url);
    const allow = (...rights: string[]) =>
      admin.call('ACL', 'SETUSER', USER, 'reset', 'on', `>${PASSWORD}`, ...rights);
    const own = `redis://${USER}:${PASSWORD}@${host}`;

    await allow(`~adtally:${TOPIC}:*`, ...LEAST);
    expect(await told(own)).toBe('it answers');
    expect(await told(`redis://${USER}:canary@${host}`)).toMatch(
      /^refused redis_refused: WRONGPASS/,
    );
    expect(await told(`redis://nobody:${PASSWORD}@${host}`)).toMatch(/^refused .*WRONGPASS/);
    await allow('~other:*', ...LEAST);
    expect(await told(own)).toMatch(/^refused redis_refused: NOPERM/);
    // A cluster's client says of itself only that no node answered.
    const nodes = `redis+cluster://${host}`;
    expect(await told(nodes)).toMatch(/^refused redis_refused: ERR .*cluster support disabled/);
    expect(await told(nodes.replace('//', `//${USER}:canary@`))).toMatch(/^refused .*WRONGPASS/);
    await admin.call('ACL', 'SETUSER', 'default', '>canary', 'resetpass', '>canary');
    expect(await told(redis.url)).toMatch(/^refused redis_refused: NOAUTH/);
    await redis.stop();
    expect(await told(own)).toMatch(/^away redis_unreachable: connect ECONNREFUSED/);
  },
);

import { waitFor } from '@adtally/testkit';
import type { Kind } from '../kind.ts';

const FAILURES = 'adtally_redis_failures_total';

const stopped: Kind = {
  name: 'redis-stopped',
  family: 'redis',
  what: 'Redis killed',
  expects: 'survives',
  named: /redis[^}]{0,200}(?:ECONNREFUSED|closed|reset)|ECONNREFUSED/i,
  shownBy: FAILURES,
  break: ({ servers }) => servers.redis.stop(),
  evidence: async ({ servers }) =>
    (await servers.redisAnswer('PING').catch(() => undefined)) === undefined
      ? 'PING is not answered'
      : undefined,
  heal: ({ servers }) => servers.redis.start(),
};

const frozen: Kind = {
  name: 'redis-frozen',
  family: 'redis',
  what: 'Redis frozen',
  expects: 'survives',
  named:
    /redis[^}]{0,200}(?:timed? ?out|no answer|did not answer|budget)|(?:timed? ?out)[^}]{0,200}redis/i,
  shownBy: FAILURES,
  break: async ({ servers }) => servers.redis.freeze(),
  evidence: async ({ servers }) =>
    (await servers.redisAnswer('PING').catch(() => undefined)) === undefined
      ? 'PING is not answered'
      : undefined,
  heal: async ({ servers }) => servers.redis.thaw(),
};

const password: Kind = {
  name: 'redis-password',
  family: 'redis',
  what: 'Redis asks for a password the services do not have',
  expects: 'survives',
  named: /NOAUTH|WRONGPASS|authentication required/i,
  isTold: true,
  shownBy: FAILURES,
  // Over one connection each: the next one would be refused.
  break: async ({ servers }) => {
    const set = 'CONFIG SET requirepass another';
    await servers.redisAnswer(`${set}\r\nCLIENT KILL TYPE normal SKIPME yes`);
  },
  evidence: async ({ servers }) =>
    await servers.redisAnswer('PING').then(
      () => undefined,
      ({ message }: Error) => (message.startsWith('NOAUTH') ? message : undefined),
    ),
  heal: async ({ servers }) => {
    const take = 'CONFIG SET requirepass ""';
    // Refused where it was taken before; whether it is, PING tells.
    const isTaken = async () => {
      await servers.redisAnswer(`AUTH another\r\n${take}`).catch(() => undefined);
      return (await servers.redisAnswer('PING')) === '+PONG';
    };
    await waitFor(isTaken, { what: 'Redis to ask for no password' });
  },
};

const flushed: Kind = {
  name: 'redis-flushed',
  family: 'redis',
  what: 'Redis emptied: nothing is predicted as seen',
  expects: 'survives',
  // Nothing tells of it, and nobody need be told.
  named: /(?!)/,
  break: ({ servers }) => servers.redis.flush(),
  evidence: async () => 'FLUSHALL was answered',
  heal: async () => undefined,
};

/** Turns every set of fingerprints into a text: each question about one is refused. */
const FALSIFY = `"for _, key in ipairs(redis.call('KEYS', '*')) do redis.call('SET', key, 'x') end return 1"`;

const falsified: Kind = {
  name: 'redis-falsified',
  family: 'redis',
  what: 'every fingerprint set in Redis overwritten by something else',
  expects: 'survives',
  named: /WRONGTYPE/,
  shownBy: FAILURES,
  break: async ({ servers }) => void (await servers.redisAnswer('EVAL', FALSIFY, '0')),
  evidence: async () => 'the script was answered',
  heal: async ({ servers }) => servers.redis.flush(),
};

export const REDIS: readonly Kind[] = [stopped, frozen, password, flushed, falsified];

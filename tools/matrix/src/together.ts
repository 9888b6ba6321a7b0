import { KAFKA } from './kafka.ts';
import { POSTGRES } from './postgres.ts';
import { REDIS_TLS } from './redis.ts';
import { started, type Subject } from './subject.ts';

const POSTGRES_VERSION = '18.4';

/** Versions of Kafka, each beside the newest PostgreSQL; these two and Redis are reached over TLS and by passwords. */
export const TOGETHER: Subject = {
  title: `PostgreSQL ${POSTGRES_VERSION} and Kafka`,
  versions: KAFKA.versions,
  ways: ['tls-scram-pgbouncer'],
  start: (version, _way, report) =>
    started(async (stack) => {
      const start = async (subject: Subject, of: string, way: string) => {
        const { env, close } = await subject.start(of, way, report);
        stack.defer(close);
        return env;
      };
      return {
        ...(await start(KAFKA, version, 'tls-scram')),
        ...(await start(POSTGRES, POSTGRES_VERSION, 'pgbouncer-tls-scram')),
        ...(await start(REDIS_TLS, '7-debian', 'tls-password')),
      };
    }),
};

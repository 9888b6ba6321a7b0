import { rmSync } from 'node:fs';
import { join } from 'node:path';
import {
  selfSigned,
  testPgBouncer,
  testPostgres,
  type TestPostgresOptions,
} from '@adtally/testkit';
import { postgresProgramsOf } from './postgres-programs.ts';
import { started, type Subject, type Variables, type Way, wayOf } from './subject.ts';
import { temporaryFile } from './temporary-file.ts';

/** The newest of each major version that the registry has, and its package. */
const PACKAGES: Readonly<Record<string, string>> = {
  '15.18': '15.18.0-beta.17',
  '16.14': '16.14.0-beta.17',
  '17.10': '17.10.0-beta.17',
  '18.4': '18.4.0-beta.17',
};

/** Of the demo, all at once: PgBouncer's default of 20 is less. */
const POOL_SIZE = '60';
const PASSWORD = 'of-the-matrix';

/** How clients connect to a server with these programs. */
const WAYS: Readonly<Record<string, Way<string>>> = {
  socket: async (programs, stack) => at((await server({ programs }, stack)).url),
  // By its defaults, but for the number of connections.
  pgbouncer: async (programs, stack) => {
    const { url } = await server({ programs }, stack);
    const settings = { default_pool_size: POOL_SIZE };
    return at(stack.use(await testPgBouncer(url, { settings })).urlFor(url));
  },
  'tls-verify-full': async (programs, stack) => {
    const tls = selfSigned();
    return verifyingFull((await server({ programs, tls }, stack)).url, tls.cert, stack);
  },
  // The same on both sides of the pooler, and a password that both ask for by SCRAM.
  'pgbouncer-tls-scram': async (programs, stack) => {
    const tls = selfSigned();
    const { url } = await server({ programs, tls, password: PASSWORD }, stack);
    const settings = { default_pool_size: POOL_SIZE };
    const pooler = stack.use(await testPgBouncer(url, { settings, tls }));
    return verifyingFull(pooler.urlFor(url), tls.cert, stack);
  },
};

/** The address of a server whose certificate is its own authority. */
function verifyingFull(
  address: string,
  certificate: string,
  stack: AsyncDisposableStack,
): Variables {
  const url = new URL(address);
  url.searchParams.set('sslmode', 'verify-full');
  url.searchParams.set('sslrootcert', temporaryFile('ca.pem', certificate, stack));
  return at(url.href);
}

function at(url: string): Variables {
  return { DATABASE_URL: url };
}

async function server(options: TestPostgresOptions, stack: AsyncDisposableStack) {
  return stack.use(await testPostgres(options));
}

export const POSTGRES: Subject = {
  title: 'PostgreSQL',
  versions: Object.keys(PACKAGES),
  ways: Object.keys(WAYS),
  start: (version, way, report) =>
    started((stack) => {
      const home = postgresProgramsOf(PACKAGES[version] ?? version, report);
      stack.defer(() => rmSync(home, { recursive: true }));
      return wayOf(WAYS, way)(join(home, 'bin'), stack);
    }),
};

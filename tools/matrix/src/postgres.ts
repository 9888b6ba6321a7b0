import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  selfSigned,
  testPgBouncer,
  testPostgres,
  type TestPostgresOptions,
} from '@adtally/testkit';
import { postgresProgramsOf } from './postgres-programs.ts';
import type { Subject } from './subject.ts';

/** The newest of each major version that the registry has, and its package. */
const PACKAGES: Readonly<Record<string, string>> = {
  '15.18': '15.18.0-beta.17',
  '16.14': '16.14.0-beta.17',
  '17.10': '17.10.0-beta.17',
  '18.4': '18.4.0-beta.17',
};

/** Of the demo, all at once: PgBouncer's default of 20 is less. */
const POOL_SIZE = '60';

/** What is open, closed in reverse also where the next step fails. */
type Stack = AsyncDisposableStack;

/** How clients connect; each gives the address of a server with these programs. */
const WAYS: Readonly<Record<string, (programs: string, stack: Stack) => Promise<string>>> = {
  socket: async (programs, stack) => (await server({ programs }, stack)).url,
  // By its defaults, but for the number of connections.
  pgbouncer: async (programs, stack) => {
    const { url } = await server({ programs }, stack);
    const settings = { default_pool_size: POOL_SIZE };
    return stack.use(await testPgBouncer(url, { settings })).urlFor(url);
  },
  'tls-verify-full': async (programs, stack) => {
    const tls = selfSigned();
    const folder = mkdtempSync(join(tmpdir(), 'adtally-matrix-'));
    stack.defer(() => rmSync(folder, { recursive: true }));
    const root = join(folder, 'root.pem');
    writeFileSync(root, tls.cert);
    const url = new URL((await server({ programs, tls }, stack)).url);
    url.searchParams.set('sslmode', 'verify-full');
    url.searchParams.set('sslrootcert', root);
    return url.href;
  },
};

async function server(options: TestPostgresOptions, stack: Stack) {
  return stack.use(await testPostgres(options));
}

export const POSTGRES: Subject = {
  title: 'PostgreSQL',
  versions: Object.keys(PACKAGES),
  ways: Object.keys(WAYS),
  start: async (version, way, report) => {
    const start = WAYS[way];
    if (start === undefined) throw new Error(`there is no way ${way}`);
    await using stack = new AsyncDisposableStack();
    const home = postgresProgramsOf(PACKAGES[version] ?? version, report);
    stack.defer(() => rmSync(home, { recursive: true }));
    const url = await start(join(home, 'bin'), stack);
    const open = stack.move();
    return { env: { DATABASE_URL: url }, close: () => open.disposeAsync() };
  },
};

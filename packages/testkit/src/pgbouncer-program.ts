import { existsSync, globSync } from 'node:fs';
import { join } from 'node:path';
import { unpackedPackages } from './debian-packages.ts';

/** What PgBouncer is started from: the program, and the libraries that are not the system's. */
export interface PgBouncerProgram {
  readonly file: string;
  readonly libraries: readonly string[];
}

/** Its one library that machines with PostgreSQL do not have anyway comes along. */
const PACKAGES = ['pgbouncer', 'libc-ares2'];
const INSTALLED = ['/usr/sbin/pgbouncer', '/usr/bin/pgbouncer'];

/** The system's PgBouncer, else Debian's package unpacked in the cache; undefined where neither can be had. */
export function pgBouncerProgram(): PgBouncerProgram | undefined {
  const installed = INSTALLED.find((file) => existsSync(file));
  if (installed !== undefined) return { file: installed, libraries: [] };
  const folder = unpackedPackages('pgbouncer', PACKAGES);
  if (folder === undefined) return undefined;
  const libraries = globSync(join(folder, 'usr/lib/*/*.so.*'));
  return { file: join(folder, 'usr/sbin/pgbouncer'), libraries };
}

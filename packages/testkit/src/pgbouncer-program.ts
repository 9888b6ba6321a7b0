import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { join } from 'node:path';
import { cacheFolder } from '@adtally/native-servers';

/** What PgBouncer is started from: the program, and the libraries that are not the system's. */
export interface PgBouncerProgram {
  readonly file: string;
  readonly libraries: readonly string[];
}

/** Its one library that machines with PostgreSQL do not have anyway comes along. */
const PACKAGES = ['pgbouncer', 'libc-ares2'];
const INSTALLED = ['/usr/sbin/pgbouncer', '/usr/bin/pgbouncer'];

/**
 * The system's PgBouncer, else Debian's package unpacked in the cache, which needs no root and installs nothing;
 * undefined where neither can be had.
 */
export function pgBouncerProgram(): PgBouncerProgram | undefined {
  const installed = INSTALLED.find((file) => existsSync(file));
  if (installed !== undefined) return { file: installed, libraries: [] };
  const folder = join(cacheFolder(), 'pgbouncer');
  if (!existsSync(folder) && !unpackInto(folder)) return undefined;
  const libraries = globSync(join(folder, 'usr/lib/*/*.so.*'));
  return { file: join(folder, 'usr/sbin/pgbouncer'), libraries };
}

/** Whole or not at all: test files of one run may come here at the same time. */
function unpackInto(folder: string): boolean {
  if (spawnSync('apt-get', ['--version'], { stdio: 'ignore' }).status !== 0) return false;
  mkdirSync(cacheFolder(), { recursive: true });
  const making = mkdtempSync(`${folder}.`);
  try {
    const options = { cwd: making, stdio: 'ignore' } as const;
    const lists = join(making, 'apt/lists/partial');
    mkdirSync(lists, { recursive: true });
    // Lists of its own: the machine's may be missing, and are root's to renew.
    const own = ['-o', `Dir::State::lists=${join(making, 'apt/lists')}`];
    if (spawnSync('apt-get', ['download', '-q', ...PACKAGES], options).status !== 0) {
      execFileSync('apt-get', [...own, 'update', '-q'], options);
      execFileSync('apt-get', [...own, 'download', '-q', ...PACKAGES], options);
    }
    for (const archive of globSync('*.deb', { cwd: making })) {
      execFileSync('dpkg-deb', ['-x', archive, making], options);
      rmSync(join(making, archive));
    }
    rmSync(join(making, 'apt'), { recursive: true });
    chmodSync(making, 0o755);
    renameSync(making, folder);
    return true;
  } catch {
    rmSync(making, { recursive: true, force: true });
    return existsSync(folder);
  }
}

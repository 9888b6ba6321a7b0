import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const LIST_BYTES_MAX = 16 * 1024 * 1024;

/** The repository's files as rules see them: paths with `/`, relative to the root. */
export interface SourceTree {
  readonly paths: readonly string[];
  readonly read: (path: string) => string;
}

/** The files git knows or would add; ignored ones are not looked at. */
export function repositoryTree(root: string): SourceTree {
  const list = execFileSync(
    'git',
    ['ls-files', '-z', '--cached', '--others', '--exclude-standard'],
    { cwd: root, encoding: 'utf8', maxBuffer: LIST_BYTES_MAX },
  );
  const paths = [...new Set(list.split('\0'))].filter(
    (path) => path !== '' && existsSync(join(root, path)),
  );
  return {
    paths: paths.toSorted(),
    read: (path) => readFileSync(join(root, path), 'utf8'),
  };
}

/** A tree in memory, for the canaries. */
export function memoryTree(files: Readonly<Record<string, string>>): SourceTree {
  return { paths: Object.keys(files).toSorted(), read: (path) => files[path] ?? '' };
}

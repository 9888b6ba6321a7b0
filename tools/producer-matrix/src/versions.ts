import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { repositoryRoot } from '@adtally/local-stack';
import type { Pinned } from './subjects.ts';

/** The version that a file of this repository pins. Throws where it does not. */
export function versionOf({ file, name }: Pinned): string {
  const text = readFileSync(join(repositoryRoot, file), 'utf8');
  const after = text.split(name).slice(1).join(name);
  const version = /^[^\d\n]*(?:\n[^\d\n]*)?(\d+\.\d+[\w.]*)/.exec(after)?.[1];
  if (version === undefined) throw new Error(`${file} pins no ${name}`);
  return version;
}

import { chmodSync, chownSync, existsSync, mkdirSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { canEnter, type ServerUser } from './users.ts';

const OWNER_ONLY = 0o700;

/**
 * A folder for a server's data: the remembered one while it exists, else `<local>/data/<name>`, else,
 * where the server's user cannot enter the clone, a folder of its own under the system's temporary one.
 */
export function dataFolder(
  local: string,
  name: string,
  remembered: string | undefined,
  user: ServerUser | undefined,
): string {
  if (remembered !== undefined && existsSync(remembered)) return remembered;
  const parent = join(local, 'data');
  mkdirSync(parent, { recursive: true });
  let folder = join(parent, name);
  if (!canEnter(parent, user)) folder = mkdtempSync(join(tmpdir(), `adtally-${name}-`));
  mkdirSync(folder, { recursive: true });
  chmodSync(folder, OWNER_ONLY);
  if (user !== undefined) chownSync(folder, user.uid, user.gid);
  return folder;
}

import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** An account of this machine that a server runs as instead of root. */
export interface ServerUser {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

/** First of `names` that stands in a passwd file and is not root. */
export function findUser(passwd: string, names: readonly string[]): ServerUser | undefined {
  const users = passwd.split('\n').map((line) => line.split(':'));
  for (const name of names) {
    const found = users.find((fields) => fields[0] === name);
    const uid = Number(found?.[2]);
    const gid = Number(found?.[3]);
    if (Number.isSafeInteger(uid) && Number.isSafeInteger(gid) && uid > 0)
      return { name, uid, gid };
  }
  return undefined;
}

/** The user a server runs as: undefined (the caller) unless the caller is root. */
export function serverUser(...names: string[]): ServerUser | undefined {
  if (process.getuid?.() !== 0) return undefined;
  return findUser(readFileSync('/etc/passwd', 'utf8'), [...names, 'nobody']);
}

/** Whether that user can enter a folder: every folder above it must let it through. */
export function canEnter(folder: string, user: ServerUser | undefined): boolean {
  if (user === undefined) return true;
  const result = spawnSync('test', ['-x', folder], { uid: user.uid, gid: user.gid, cwd: '/' });
  return result.status === 0;
}

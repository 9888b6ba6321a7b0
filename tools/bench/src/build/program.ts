import { join } from 'node:path';
import { buildApps } from '@adtally/app-build';
import type { Build } from './build.ts';

/** By workspace: a bench starts the same apps many times. */
const building = new Map<string, Promise<string>>();

/**
 * The program of an app, as its image starts it: in a few files, its types gone. Made of the build's sources when it is
 * first asked for, also where that revision's own image had no such step: what is compared is then the code alone.
 */
export async function programOf({ root }: Build, app: string): Promise<string> {
  let folder = building.get(root);
  if (folder === undefined) {
    folder = build(root);
    building.set(root, folder);
  }
  return join(await folder, `${app}.js`);
}

async function build(root: string): Promise<string> {
  const folder = join(root, '.local/bench-apps');
  await buildApps({ root, folder });
  return folder;
}

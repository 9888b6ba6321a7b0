import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { buildPrograms } from './build-programs.ts';

export interface AppsBuild {
  /** The workspace whose sources are built, installed. */
  readonly root: string;
  /** Gets `APP.js` of each, in place of what it holds; below `root`, since a build moves only together with it. */
  readonly folder: string;
}

/**
 * Builds every app of a workspace from its sources, as its image is built from what they were compiled to.
 *
 * @throws where a module is not found or cannot be read
 */
export async function buildApps({ root, folder }: AppsBuild): Promise<void> {
  rmSync(folder, { recursive: true, force: true });
  const names = readdirSync(join(root, 'apps'));
  for (const app of names) {
    await buildPrograms({
      programs: { [app]: join(root, 'apps', app, 'src/main.ts') },
      folder,
      conditions: ['@adtally/source'],
    });
  }
}

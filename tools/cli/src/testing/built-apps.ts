import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { buildPrograms } from '@adtally/app-build';
import { localFolder, repositoryRoot } from '@adtally/local-stack';

/**
 * Builds every app once for a whole run of tests, which start hundreds of them.
 *
 * @returns the folder, for ADTALLY_BUILT_APPS
 */
export async function buildTestedApps(): Promise<string> {
  const folder = join(localFolder, 'tested-apps');
  rmSync(folder, { recursive: true, force: true });
  const apps = join(repositoryRoot, 'apps');
  await buildPrograms({
    programs: Object.fromEntries(
      readdirSync(apps).map((app) => [app, join(apps, app, 'src/main.ts')]),
    ),
    folder,
    conditions: ['@adtally/source'],
  });
  return folder;
}

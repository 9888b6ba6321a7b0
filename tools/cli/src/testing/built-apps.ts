import { join } from 'node:path';
import { buildApps } from '@adtally/app-build';
import { localFolder, repositoryRoot } from '@adtally/local-stack';

/**
 * Builds every app once for a whole run of tests, which start hundreds of them.
 *
 * @returns the folder, for ADTALLY_BUILT_APPS
 */
export async function buildTestedApps(): Promise<string> {
  const folder = join(localFolder, 'tested-apps');
  await buildApps({ root: repositoryRoot, folder });
  return folder;
}

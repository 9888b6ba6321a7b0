import { readFileSync } from 'node:fs';

/**
 * The version of a build, as its package.json has it: in dead letters, metrics and logs.
 *
 * @param packageJson as `new URL('../package.json', import.meta.url)`: beside src and dist alike
 */
export function buildVersion(packageJson: URL): string {
  const { version } = JSON.parse(readFileSync(packageJson, 'utf8')) as { version: string };
  return version;
}

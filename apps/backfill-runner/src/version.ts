import { readFileSync } from 'node:fs';

/** The build's version: in dead letters, metrics and logs. Beside src and dist alike. */
export const VERSION: string = readVersion(new URL('../package.json', import.meta.url));

function readVersion(packageJson: URL): string {
  const { version } = JSON.parse(readFileSync(packageJson, 'utf8')) as { version: string };
  return version;
}

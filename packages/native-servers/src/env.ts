import { homedir } from 'node:os';
import { join } from 'node:path';

/** Folder shared by all clones of this user: toolchain and Kafka's jars. The same rule as in ./dev. */
export function cacheFolder(env: NodeJS.ProcessEnv = process.env): string {
  const given = env['ADTALLY_CACHE'] || undefined;
  if (given !== undefined) return given;
  return join(env['XDG_CACHE_HOME'] || join(env['HOME'] || homedir(), '.cache'), 'adtally');
}

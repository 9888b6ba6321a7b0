import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';

export const ROOT = resolve(import.meta.dirname, '../../..');

/** Runs this repository's turbo in another folder. Gives all of its output. */
export function turbo(
  cwd: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): { code: number | null; stdout: string; stderr: string } {
  const quiet = { TURBO_TELEMETRY_DISABLED: '1', DO_NOT_TRACK: '1', NO_COLOR: '1' };
  const result = spawnSync(resolve(ROOT, 'node_modules/.bin/turbo'), args, {
    cwd,
    encoding: 'utf8',
    env: { ...process.env, ...quiet, ...env },
  });
  return { code: result.status, stdout: result.stdout, stderr: result.stderr };
}

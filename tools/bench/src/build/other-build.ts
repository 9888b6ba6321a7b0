import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { imageNodeOptions } from '@adtally/local-stack';
import { BenchError } from '../errors.ts';
import type { Build, BuildAudit } from './build.ts';

const execute = promisify(execFile);
const OUTPUT_BYTES_MAX = 64 * 1024 * 1024;
const ERROR_TAIL = 2_000;

/** A build of another revision, asked by its own command line: its schema and its audit are its own. */
export function otherBuild(label: string, root: string): Build {
  const run = async (env: NodeJS.ProcessEnv, ...args: string[]): Promise<string> => {
    const main = join(root, 'tools/cli/src/main.ts');
    const node = ['--conditions=@adtally/source', main, ...args];
    try {
      const options = { env: { ...process.env, ...env }, maxBuffer: OUTPUT_BYTES_MAX };
      return (await execute(process.execPath, node, options)).stdout;
    } catch (error) {
      const { stdout, stderr } = error as { stdout?: string; stderr?: string };
      // An audit that does not balance says so by its exit code, and what is wrong in its output.
      if (stdout !== undefined && stdout !== '') return stdout;
      throw new BenchError(`${label}: ${args[0]} failed:\n${(stderr ?? '').slice(-ERROR_TAIL)}`, {
        cause: error,
      });
    }
  };
  return {
    label,
    root,
    nodeOptions: imageNodeOptions(root),
    prepareDatabase: async (url, env) => void (await run({ ...env, DATABASE_URL: url }, 'migrate')),
    audit: async (url) =>
      JSON.parse(
        (await run({ DATABASE_URL: url }, 'audit', '--json')).trimEnd().split('\n').at(-1) ?? '',
      ) as BuildAudit,
  };
}

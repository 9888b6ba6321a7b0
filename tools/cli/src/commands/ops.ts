import { run as runApp } from './run.ts';

/** The operator's command, which is an app of its own: the same in the image. */
export async function run(args: string[]): Promise<number> {
  return await runApp(['ops', ...args]);
}

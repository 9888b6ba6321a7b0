import { recount } from '@adtally/recount';
import { DemoError } from './errors.ts';

/** What the recount in Python found of the demo's database and topics. */
export interface DemoRecount {
  /** What it looked at, in its own words. */
  readonly what: string;
  /** Where it came to something else; none where it agrees. */
  readonly differences: readonly string[];
  /** What it could not tell. */
  readonly unknown: readonly string[];
  readonly seconds: number;
}

/** Counts the demo's topic anew by a program that shares no code with ours. @throws DemoError where it cannot */
export async function recountDemo(env: NodeJS.ProcessEnv): Promise<DemoRecount> {
  const fromMs = performance.now();
  const { code, stdout, stderr } = await recount(['rows', '--json'], env);
  if (stdout === '') throw new DemoError(`the recount ended with ${code}: ${stderr.trim()}`);
  const found = JSON.parse(stdout) as Omit<DemoRecount, 'seconds'>;
  const { what, differences, unknown } = found;
  return { what, differences, unknown, seconds: (performance.now() - fromMs) / 1_000 };
}

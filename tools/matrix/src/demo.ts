import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { repositoryRoot } from '@adtally/local-stack';
import type { StartedServer } from './subject.ts';

/** What of `./dev demo --json` is looked at. */
interface DemoJson {
  readonly exact: boolean;
  readonly events?: number;
  readonly error?: string;
  readonly problems?: readonly string[];
  readonly kill?: { readonly takeover_seconds: number | null };
}

/** What came of a demo. */
export interface DemoOutcome {
  readonly exact: boolean;
  /** For a cell of the table. */
  readonly words: string;
}

/** Runs `./dev demo` beside that server; what it tells goes to standard error. Never rejects. */
export async function runDemo(
  { env, dev = [join(repositoryRoot, 'dev')] }: Pick<StartedServer, 'env' | 'dev'>,
  events: number,
): Promise<DemoOutcome> {
  const [program = '', ...first] = dev;
  const child = spawn(program, [...first, 'demo', '--events', String(events), '--json'], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.on('data', (chunk) => (output += String(chunk)));
  try {
    const [code] = (await once(child, 'close')) as [number | null];
    return outcomeOf(output, code);
  } catch (error) {
    return { exact: false, words: String(error) };
  }
}

/** @param output what it printed, whose last line is one JSON object where it came that far */
export function outcomeOf(output: string, code: number | null): DemoOutcome {
  const line = output.trimEnd().split('\n').at(-1) ?? '';
  if (!line.startsWith('{')) return { exact: false, words: `ended with exit code ${code}` };
  const demo = JSON.parse(line) as DemoJson;
  if (demo.error !== undefined) return { exact: false, words: demo.error };
  if (!demo.exact) return { exact: false, words: (demo.problems ?? []).join('; ') };
  const takeover = demo.kill?.takeover_seconds ?? null;
  const killed = takeover === null ? '' : `, take-over after SIGKILL ${takeover.toFixed(1)} s`;
  return { exact: true, words: `${demo.events} events${killed}` };
}

import type { KindResult } from './kind.ts';
import { KINDS } from './kinds/index.ts';
import { runKind } from './run-kind.ts';
import { startServers } from './servers.ts';

export { KINDS } from './kinds/index.ts';
export type { Kind, KindResult, Sighting } from './kind.ts';
export { resultsMarkdown, resultText } from './table.ts';

export interface BreakingRunOptions {
  /** Names of `KINDS`; all where empty. */
  readonly kinds: readonly string[];
  /** How long each stays broken. */
  readonly seconds: number;
  /** Told what is done, and each result as soon as it is there. */
  readonly say: (line: string) => void;
  readonly onResult?: (result: KindResult) => void;
}

/** Starts servers of its own and breaks one thing after the other, each in a fresh world. */
export async function breakingRun(options: BreakingRunOptions): Promise<KindResult[]> {
  const { kinds, seconds, say } = options;
  const chosen = kinds.length === 0 ? KINDS : KINDS.filter(({ name }) => kinds.includes(name));
  const servers = await startServers();
  const results: KindResult[] = [];
  try {
    for (const [index, kind] of chosen.entries()) {
      say(`${index + 1} of ${chosen.length}: ${kind.name}: ${kind.what}`);
      const result = await runKind(servers, kind, { seconds, seed: index + 1, say });
      results.push(result);
      options.onResult?.(result);
    }
  } finally {
    await servers.close();
  }
  return results;
}

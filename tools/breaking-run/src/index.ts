import type { KindResult } from './kind.ts';
import { KINDS } from './kinds/index.ts';
import { runKind } from './run-kind.ts';
import { startServers } from './servers.ts';

export { APP_ROLE } from './database-server.ts';
export { recordsBehind } from './behind.ts';
export { recount, type Recount } from './exactness.ts';
export { KINDS } from './kinds/index.ts';
export type { Expected } from './load.ts';
export type { Needs } from './needs.ts';
export { startServers, type Servers } from './servers.ts';
export { isWell, whyNotWell } from './well.ts';
export { makeWorld, type World } from './world.ts';
export type { Kind, KindResult, Sighting } from './kind.ts';
export { identityOf } from './identity.ts';
export { Fleet, SET_CLOCK, type Service, type ServiceName } from './services.ts';
export { Sink } from './sink.ts';
export { newestResults, recordResult, type RecordedResult } from './results.ts';
export { resultsMarkdown, resultText } from './table.ts';

export interface BreakingRunOptions {
  /** Names of `KINDS`; all where empty. */
  readonly kinds: readonly string[];
  /** How long each stays broken. */
  readonly seconds: number;
  /** How many at a time, each on servers of its own. */
  readonly jobs: number;
  /** A folder for what the services log; not kept where undefined. */
  readonly logs?: string | undefined;
  /** Told what is done, and each result as soon as it is there. */
  readonly say: (line: string) => void;
  readonly onResult?: (result: KindResult) => void;
}

/** Starts servers of its own and breaks one thing after the other, each in a fresh world. */
export async function breakingRun(options: BreakingRunOptions): Promise<KindResult[]> {
  const { kinds, jobs } = options;
  const chosen = kinds.length === 0 ? KINDS : KINDS.filter(({ name }) => kinds.includes(name));
  const waiting = [...chosen.entries()];
  const results: KindResult[] = [];
  const work = async (): Promise<void> => {
    const servers = await startServers();
    try {
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
        const [index, kind] = next;
        options.say(`${index + 1} of ${chosen.length}: ${kind.name}: ${kind.what}`);
        const { seconds, logs } = options;
        const result = await runKind(servers, kind, { seconds, seed: index + 1, logs });
        results.push(result);
        options.onResult?.(result);
      }
    } finally {
      await servers.close();
    }
  };
  const jobsOver = await Promise.allSettled(Array.from({ length: jobs }, work));
  for (const over of jobsOver) if (over.status === 'rejected') throw over.reason;
  return results;
}

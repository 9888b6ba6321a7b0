import { join } from 'node:path';
import { repositoryRoot } from '@adtally/local-stack';
import { execute } from './execute.ts';

/** What of `ops check-producer --json` is looked at, of one source. */
export interface CheckedSource {
  readonly records: number;
  readonly would_be_rejected: number;
  readonly key_forms: Readonly<Record<string, number>>;
  readonly placement: {
    readonly judged: number;
    readonly misplaced: number;
    readonly explained_by: string | null;
  };
}

export interface CheckedTopic {
  readonly is_right: boolean;
  readonly sources: readonly CheckedSource[];
  readonly text: string;
}

const TIMEOUT_MS = 120_000;
const OPS = join(repositoryRoot, 'apps/ops/src/main.ts');

/** Runs `ops check-producer` as a producer's team would. Throws where it does not come to a result. */
export async function checkProducer(brokers: string, topic: string): Promise<CheckedTopic> {
  const words = [process.execPath, '--conditions=@adtally/source', OPS, 'check-producer'];
  const given = ['--topic', topic, '--records', '20000', '--json'];
  const { stdout, code, lastWords } = await execute([...words, ...given], {
    env: { KAFKA_BROKERS: brokers },
    timeoutMs: TIMEOUT_MS,
  });
  if (!stdout.startsWith('{')) throw new Error(`check-producer ended with ${code}: ${lastWords}`);
  return { ...(JSON.parse(stdout) as Omit<CheckedTopic, 'text'>), text: stdout };
}

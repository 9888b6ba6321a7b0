import { copyFileSync, mkdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { KafkaAdmin } from '@adtally/kafka';
import { repositoryRoot } from '@adtally/local-stack';
import { checkProducer } from './check-producer.ts';
import { execute } from './execute.ts';
import { PARTITIONS } from './place-keys.ts';
import { buildGo, buildJava, buildPython, buildRust } from './toolchains.ts';

/** The examples of docs/producers, and how each is built; all of them write the same events. */
const EXAMPLES = {
  typescript: async (folder) => copyBesidePackages(join(folder, 'send-events.ts')),
  java: (folder) => buildJava(folder, 'SendEvents'),
  go: (folder) => buildGo(folder),
  python: (folder) => buildPython(folder, 'send_events.py'),
  rust: (folder) => buildRust(folder, 'send-events'),
} as const satisfies Readonly<Record<string, (folder: string) => Promise<string[]>>>;

export type ExampleName = keyof typeof EXAMPLES;

export const EXAMPLE_NAMES = Object.keys(EXAMPLES) as ExampleName[];

const IMPRESSIONS = 200;
/** A click for every tenth, a conversion for every hundredth. */
const EVENTS = IMPRESSIONS + IMPRESSIONS / 10 + IMPRESSIONS / 100;
const SEND_TIMEOUT_MS = 120_000;

/** Packages are looked for from where a file lies: those that its user would install are this package's. */
function copyBesidePackages(file: string): string[] {
  const folder = join(repositoryRoot, 'tools/producer-matrix/.local');
  mkdirSync(folder, { recursive: true });
  const copy = join(folder, basename(file));
  copyFileSync(file, copy);
  return [process.execPath, '--no-warnings', copy];
}

/** Runs an example against a topic of its own. Throws where it fails or `ops check-producer` finds something wrong. */
export async function runExample(brokers: string, name: ExampleName): Promise<void> {
  const runner = await EXAMPLES[name](join(repositoryRoot, 'docs/producers', name));
  const admin = new KafkaAdmin({ brokers, clientId: 'producer-matrix', security: {} });
  const topic = `producer-example-${name}-${Date.now()}`;
  try {
    await admin.createTopic({ name: topic, partitions: PARTITIONS, replication: 1, config: {} });
    const { code, lastWords } = await execute(runner, {
      env: { KAFKA_BROKERS: brokers, TOPIC: topic, EVENTS: String(IMPRESSIONS) },
      timeoutMs: SEND_TIMEOUT_MS,
    });
    if (code !== 0) throw new Error(`${name} ended with exit code ${code}: ${lastWords}`);
    const checked = await checkProducer(brokers, topic);
    const records = checked.sources.reduce((sum, one) => sum + one.records, 0);
    if (records !== EVENTS) throw new Error(`${records} of ${EVENTS} events came of ${name}`);
    if (!checked.is_right) throw new Error(`${name} is to be mended: ${checked.text}`);
  } finally {
    await admin.deleteTopic(topic);
    admin.close();
  }
}

import { KafkaAdmin, type KafkaSettings } from '@adtally/kafka';
import { checkProducer, type CheckedSource } from './check-producer.ts';
import { execute } from './execute.ts';
import { KEYS, keysToPlace } from './keys.ts';
import { nameOf, type Subject } from './subjects.ts';
import { runnerOf } from './toolchains.ts';

/** Where a client put the keys. */
export interface Placed {
  /** Of the keys: how many lie where Java's partitioner puts them. */
  readonly asJava: number;
  /** The partitioner that explains the others. */
  readonly explainedBy: string | null;
  /** How the keys are spelt, where not all are canonical. */
  readonly keyForm: string;
}

/** As the default topic has them. */
export const PARTITIONS = 12;
const SEND_TIMEOUT_MS = 120_000;

/** Sends the keys by the client to a topic of its own and looks where they came. Throws where it cannot be run. */
export async function placeKeys(brokers: string, subject: Subject): Promise<Placed> {
  const runner = await runnerOf(subject.toolchain);
  const settings: KafkaSettings = { brokers, clientId: 'producer-matrix', security: {} };
  const admin = new KafkaAdmin(settings);
  const topic = `producer-matrix-${nameOf(subject).replaceAll('/', '-')}-${Date.now()}`;
  try {
    await admin.createTopic({ name: topic, partitions: PARTITIONS, replication: 1, config: {} });
    const { code, lastWords } = await execute(runner, {
      env: { KAFKA_BROKERS: brokers, TOPIC: topic, SETTING: subject.setting },
      input: `${keysToPlace().join('\n')}\n`,
      timeoutMs: SEND_TIMEOUT_MS,
    });
    if (code !== 0) throw new Error(`ended with exit code ${code}: ${lastWords}`);
    const { sources } = await checkProducer(brokers, topic);
    return placedOf(sources);
  } finally {
    await admin.deleteTopic(topic);
    admin.close();
  }
}

function placedOf([source, ...others]: readonly CheckedSource[]): Placed {
  if (source === undefined || others.length > 0 || source.records !== KEYS)
    throw new Error(`${source?.records ?? 0} of ${KEYS} records came`);
  const { placement, key_forms: forms } = source;
  if (placement.judged !== KEYS) throw new Error(`${placement.judged} of ${KEYS} keys can be read`);
  return {
    asJava: KEYS - placement.misplaced,
    explainedBy: placement.explained_by,
    keyForm: Object.keys(forms).join(', '),
  };
}

import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import {
  brokersKnownAt,
  findJava,
  jarFolder,
  JAVA_MAJOR_MIN,
  KAFKA_VERSION,
  LOCAL_BROKER_SETTINGS,
  newClusterId,
  propertiesText,
} from '@adtally/native-servers';
import { ServerProcess } from './server-process.ts';
import { freePort } from './redis.ts';

const run = promisify(execFile);
/** A test's broker lives for seconds: the second compiler and a parallel collector would never pay. */
const JAVA_OPTIONS = [
  '-Xmx256m',
  '-XX:TieredStopAtLevel=1',
  '-XX:+UseSerialGC',
  '-Djava.awt.headless=true',
];

/** Of what is kept beside the jars; another one where that changes. */
const KEPT_LAYOUT = 2;

/** What is needed to run brokers of one version, all of it at hand. */
export interface KafkaPrograms {
  readonly java: string;
  /** Arguments before a class of Kafka's and its own. */
  readonly javaArguments: readonly string[];
  /**
   * A folder with what a freshly formatted storage holds beside its `meta.properties`: the features, the same for every
   * node of every cluster. Where they lie differs: `bootstrap.checkpoint`, since 4.4 a snapshot of the metadata topic.
   */
  readonly formatted: string;
}

/** Whether own Kafka brokers can be started here: `./dev up` or `./dev test` has brought the jars. */
export function hasKafkaServer(version: string = KAFKA_VERSION): boolean {
  return existsSync(jarFolder(version));
}

const prepared = new Map<string, Promise<KafkaPrograms>>();

/**
 * Java and Kafka's jars. The first call on a machine also formats a storage and keeps an archive of loaded classes
 * beside the jars, since each would cost every broker of every test one to two seconds of CPU.
 * @throws Error naming what to install.
 */
export function kafkaPrograms(version: string = KAFKA_VERSION): Promise<KafkaPrograms> {
  let programs = prepared.get(version);
  if (programs === undefined) {
    programs = prepare(version);
    prepared.set(version, programs);
  }
  return programs;
}

async function prepare(version: string): Promise<KafkaPrograms> {
  const jars = jarFolder(version);
  if (!existsSync(jars)) {
    throw new Error(
      `this needs own Kafka brokers, and there are no jars of Kafka ${version} in ${jars}: run \`./dev up\` with KAFKA_BROKERS unset`,
    );
  }
  const java = await findJava();
  if (java === undefined) {
    throw new Error(`this needs own Kafka brokers: install a Java runtime >= ${JAVA_MAJOR_MIN}`);
  }
  const { stderr } = await run(java, ['-version']);
  const build = createHash('sha256').update(stderr).digest('hex').slice(0, 12);
  const kept = join(dirname(jars), `testkit-${KEPT_LAYOUT}-${build}`);
  const classPath = ['-cp', join(jars, '*')];
  if (!existsSync(kept)) await prepareOnce(kept, java, [...JAVA_OPTIONS, ...classPath]);
  const archive = `-XX:SharedArchiveFile=${join(kept, 'classes.jsa')}`;
  return {
    java,
    javaArguments: [...JAVA_OPTIONS, archive, ...classPath],
    formatted: join(kept, 'formatted'),
  };
}

/** Formats, and runs a broker once to learn its classes. Whole or not at all; two at once do it twice. */
async function prepareOnce(kept: string, java: string, options: readonly string[]): Promise<void> {
  const work = mkdtempSync(join(tmpdir(), 'adtally-kafka-'));
  const made = `${kept}.${process.pid}`;
  try {
    const [client, controller] = [await freePort(), await freePort()];
    const logs = join(work, 'logs');
    const properties = join(work, 'server.properties');
    const listener = `PLAINTEXT://127.0.0.1:${client}`;
    const settings = {
      ...LOCAL_BROKER_SETTINGS,
      'node.id': '1',
      'controller.quorum.voters': `1@127.0.0.1:${controller}`,
      listeners: `${listener},CONTROLLER://127.0.0.1:${controller}`,
      'log.dirs': logs,
    };
    writeFileSync(properties, propertiesText(settings));
    const format = ['kafka.tools.StorageTool', 'format', '--cluster-id', newClusterId()];
    await run(java, [...options, ...format, '--config', properties]);
    mkdirSync(made, { recursive: true });
    const isShared = (path: string): boolean => basename(path) !== 'meta.properties';
    cpSync(logs, join(made, 'formatted'), { recursive: true, filter: isShared });
    const learn = `-XX:ArchiveClassesAtExit=${join(made, 'classes.jsa')}`;
    const broker = new ServerProcess(join(work, 'broker.log'));
    broker.start(java, [learn, ...options, 'kafka.Kafka', properties]);
    await broker.until('the first broker', async () => (await brokersKnownAt(client)) > 0);
    await broker.end('SIGTERM');
    if (!existsSync(kept)) renameSync(made, kept);
  } finally {
    rmSync(work, { recursive: true, force: true });
    rmSync(made, { recursive: true, force: true });
  }
}

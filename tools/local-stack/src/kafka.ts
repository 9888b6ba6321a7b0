import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import {
  brokersKnownAt,
  jarFolder,
  KAFKA_VERSION,
  LOCAL_BROKER_SETTINGS,
  newClusterId,
  propertiesText,
} from '@adtally/native-servers';
import { StackError } from './errors.ts';
import { dataFolder } from './folders.ts';
import { startServer } from './processes.ts';
import { ensureJars } from './jars.ts';
import type { Report } from './report.ts';
import { run } from './run.ts';
import type { Launched, Server, StartContext } from './server.ts';

const HEAP = '-Xmx1g';
const POM = resolve(import.meta.dirname, '../kafka/pom.xml');

/** The broker's settings: one node in KRaft mode, loopback only. */
export function brokerProperties(ports: readonly number[], logFolder: string): string {
  const [clientPort = 0, controllerPort = 0] = ports;
  const client = `PLAINTEXT://127.0.0.1:${clientPort}`;
  return propertiesText({
    ...LOCAL_BROKER_SETTINGS,
    'node.id': '1',
    'controller.quorum.voters': `1@127.0.0.1:${controllerPort}`,
    listeners: `${client},CONTROLLER://127.0.0.1:${controllerPort}`,
    'advertised.listeners': client,
    'inter.broker.listener.name': 'PLAINTEXT',
    'log.dirs': logFolder,
  });
}

let javaCommand = 'java';

/**
 * Fetches a version's jars where they are not there yet. Returns the java command they can run with.
 *
 * @throws StackError where they cannot be fetched
 */
export async function ensureKafkaJars(
  report: Report,
  version: string = KAFKA_VERSION,
): Promise<string> {
  return await ensureJars(report, {
    title: `Apache Kafka ${version}`,
    pom: POM,
    properties: { 'kafka.version': version },
    folder: jarFolder(version),
  });
}

async function prepare(report: Report): Promise<void> {
  javaCommand = await ensureKafkaJars(report);
}

async function format(classPath: string, properties: string): Promise<void> {
  const args = ['-cp', classPath, 'kafka.tools.StorageTool', 'format'];
  const result = await run(javaCommand, [
    ...args,
    '--cluster-id',
    newClusterId(),
    '--config',
    properties,
  ]);
  if (result.code !== 0)
    throw new StackError(`Kafka's storage cannot be formatted:\n${result.output}`);
}

async function launch(context: StartContext): Promise<Launched> {
  const folder = dataFolder(
    context.localFolder,
    'kafka',
    context.remembered?.dataFolder,
    undefined,
  );
  const logs = join(folder, 'logs');
  const properties = join(folder, 'server.properties');
  writeFileSync(properties, brokerProperties(context.ports, logs));
  const classPath = join(jarFolder(), '*');
  const formatted = existsSync(logs) && readdirSync(logs).includes('meta.properties');
  if (!formatted) await format(classPath, properties);
  const server = await startServer({
    file: javaCommand,
    args: [HEAP, '-Djava.awt.headless=true', '-cp', classPath, 'kafka.Kafka', properties],
    logFile: context.logFile,
  });
  return { server, dataFolder: folder };
}

export const kafka: Server = {
  name: 'kafka',
  title: `Kafka ${KAFKA_VERSION}`,
  defaultPorts: [29_092, 29_093],
  readyTimeoutMs: 60_000,
  stopSignal: 'SIGTERM',
  stopGraceMs: 30_000,
  prepare,
  launch,
  isReady: async ([port = 0]) => (await brokersKnownAt(port)) > 0,
  url: ([port = 0]) => `127.0.0.1:${port}`,
};

import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  type BrokerSettings,
  LOCAL_BROKER_SETTINGS,
  newClusterId,
  propertiesText,
} from '@adtally/native-servers';
import { TOKEN_KEYS_URL } from './kafka-access.ts';
import { ServerProcess } from './server-process.ts';
import type { KafkaPrograms } from './kafka-programs.ts';

/** Ports of one node. The internal listener is the brokers' own and the tools'; clients come by the other. */
export interface NodePorts {
  readonly internal: number;
  readonly client: number;
  readonly controller: number;
  /** What clients are told: the client port, or a proxy's in front of it. */
  readonly advertised: number;
}

const HOST = '127.0.0.1';
/** Small: a test's broker holds megabytes. The cleaner alone would take 128 MiB at its start. */
const SMALL: BrokerSettings = {
  'log.cleaner.dedupe.buffer.size': '4194304',
  'num.network.threads': '2',
  'num.io.threads': '4',
  'transaction.state.log.num.partitions': '3',
};
/** A dead broker is given up after 6 s, and its preferred leaderships come back by themselves. */
const SEVERAL: BrokerSettings = {
  'offsets.topic.replication.factor': '3',
  'transaction.state.log.replication.factor': '3',
  'transaction.state.log.min.isr': '2',
  'default.replication.factor': '3',
  'min.insync.replicas': '2',
  'broker.session.timeout.ms': '6000',
  'broker.heartbeat.interval.ms': '1000',
  'leader.imbalance.check.interval.seconds': '5',
};

/** One broker, which is a controller too, with a folder of its own. */
export class KafkaNode {
  readonly process: ServerProcess;
  /** Holds a folder for each partition: `<topic>-<partition>/00000000000000000000.log`. */
  readonly logFolder: string;
  readonly #programs: KafkaPrograms;
  readonly #properties: string;
  readonly #jvmOptions: readonly string[];

  /** Writes what the node needs to start; the first node's id is 1. */
  constructor(
    programs: KafkaPrograms,
    folder: string,
    clusterId: string,
    nodes: readonly NodePorts[],
    id: number,
    settings: BrokerSettings,
  ) {
    this.#programs = programs;
    mkdirSync(folder, { recursive: true });
    this.logFolder = join(folder, 'logs');
    const tokenKeys = settings[TOKEN_KEYS_URL];
    this.#jvmOptions =
      tokenKeys === undefined
        ? []
        : [`-Dorg.apache.kafka.sasl.oauthbearer.allowed.urls=${tokenKeys}`];
    this.#properties = join(folder, 'server.properties');
    this.process = new ServerProcess(join(folder, 'broker.log'));
    writeFileSync(
      this.#properties,
      propertiesText({
        ...LOCAL_BROKER_SETTINGS,
        ...SMALL,
        ...(nodes.length > 1 ? SEVERAL : {}),
        ...addresses(nodes, id),
        'log.dirs': this.logFolder,
        ...settings,
      }),
    );
    this.#format(clusterId, id);
  }

  start(): void {
    const { java, javaArguments } = this.#programs;
    const options = [...this.#jvmOptions, ...javaArguments];
    this.process.start(java, [...options, 'kafka.Kafka', this.#properties]);
  }

  /** The controller this node follows, from the state it keeps; undefined before the first election. */
  controller(): number | undefined {
    const state = join(this.logFolder, '__cluster_metadata-0', 'quorum-state');
    if (!existsSync(state)) return undefined;
    const { leaderId } = JSON.parse(readFileSync(state, 'utf8')) as { leaderId: number };
    return leaderId > 0 ? leaderId : undefined;
  }

  /** What `kafka.tools.StorageTool format` does, without a JVM: the features come from one that was formatted. */
  #format(clusterId: string, id: number): void {
    mkdirSync(this.logFolder, { recursive: true });
    const meta = {
      version: '1',
      'cluster.id': clusterId,
      'node.id': String(id),
      'directory.id': newClusterId(), // of the same kind: a UUID in base64url
    };
    writeFileSync(join(this.logFolder, 'meta.properties'), propertiesText(meta));
    cpSync(this.#programs.formatted, this.logFolder, { recursive: true });
  }
}

function addresses(nodes: readonly NodePorts[], id: number): BrokerSettings {
  const own = nodes[id - 1];
  if (own === undefined) throw new Error(`no node ${id}`);
  const internal = `INTERNAL://${HOST}:${own.internal}`;
  return {
    'node.id': String(id),
    'controller.quorum.voters': nodes
      .map(({ controller }, index) => `${index + 1}@${HOST}:${controller}`)
      .join(','),
    listeners: `${internal},CLIENT://${HOST}:${own.client},CONTROLLER://${HOST}:${own.controller}`,
    'advertised.listeners': `${internal},CLIENT://${HOST}:${own.advertised}`,
    'listener.security.protocol.map': 'INTERNAL:PLAINTEXT,CLIENT:PLAINTEXT,CONTROLLER:PLAINTEXT',
    'inter.broker.listener.name': 'INTERNAL',
  };
}

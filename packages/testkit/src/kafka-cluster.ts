import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type BrokerSettings, brokersKnownAt, newClusterId } from '@adtally/native-servers';
import { KafkaNode, type NodePorts } from './kafka-node.ts';
import { kafkaPrograms } from './kafka-programs.ts';
import { accessSettings, type ClientAccess } from './kafka-access.ts';
import { freePort } from './redis.ts';
import { tcpProxy, type TcpProxy } from './tcp-proxy.ts';

export interface KafkaClusterOptions extends ClientAccess {
  readonly brokers?: 1 | 3;
  /** Of Kafka, e.g. `3.9.1`; its jars must be where `./dev up` puts those of the usual version. */
  readonly version?: string;
  /** Lines of every node's server.properties, over those that the testkit writes. */
  readonly settings?: BrokerSettings;
  /** True: each broker stands in a rack of its own, `rack-1` and so on, and followers may be read by their rack. */
  readonly racks?: boolean;
  /** True: clients reach each broker through a `TcpProxy` alone, which can cut, hold and delay. */
  readonly proxied?: boolean;
}

/**
 * Kafka brokers of one test's own: native processes with own folders and ports, gone when the test is. Every node is
 * broker and controller, and they are numbered from 1. With three, topics have three replicas of which two must be in
 * sync (`min.insync.replicas`), so one may be dead.
 */
export interface KafkaCluster {
  /** Where clients connect, `host:port,...`: with the access that the options give (`users`, `tls`). */
  readonly brokers: string;
  /** The brokers' own listener, plain, where everybody is a super user: for tools and a test's own clients. */
  readonly internalBrokers: string;
  /** `host:port` of one broker's internal listener. */
  internalBroker(node: number): string;
  /** The proxy in front of one broker; only where `proxied`. */
  proxy(node: number): TcpProxy;
  /** SIGKILL, and gone. */
  kill(node: number): Promise<void>;
  /** SIGTERM: hands its leaderships over and ends in order. */
  stop(node: number): Promise<void>;
  /** Starts a node that was ended, with the data it had, and waits until it answers. */
  start(node: number): Promise<void>;
  /** SIGSTOP: its connections stay open and nothing answers. */
  freeze(node: number): void;
  thaw(node: number): void;
  /** Holds `<topic>-<partition>/00000000000000000000.log` and its like: for a test that damages them. */
  logFolder(node: number): string;
  /** What the node prints, which is errors only. */
  logFile(node: number): string;
  /** The node that is the active controller now. */
  controller(): number;
  /**
   * Runs one of Kafka's own command line tools, e.g. `kafka.admin.ConfigCommand`, with `--bootstrap-server` given, and
   * answers with what it printed. Each is a JVM: half a second to two.
   * @throws Error with what it said where it fails
   */
  tool(mainClass: string, ...args: string[]): Promise<string>;
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

const HOST = '127.0.0.1';
const START_TRIES = 3;
const PORT_TAKEN = /Address already in use/;

/**
 * Starts one broker (about 2 s) or three and waits until each knows all of them.
 *
 *     await using cluster = await kafkaCluster({ brokers: 3 });
 *     await using topic = await testTopic({ partitions: 3, replication: 3, brokers: cluster.brokers });
 *     await cluster.kill(2);
 *
 * @throws Error naming what to install where Kafka's jars or Java are missing; ask `hasKafkaServer` for `test.runIf`.
 */
export async function kafkaCluster(options: KafkaClusterOptions = {}): Promise<KafkaCluster> {
  for (let left = START_TRIES; ; left -= 1) {
    try {
      return await startCluster(options);
    } catch (error) {
      // Another test may have taken a port between our look and the broker's start.
      if (left === 1 || !PORT_TAKEN.test((error as Error).message)) throw error;
    }
  }
}

async function startCluster(options: KafkaClusterOptions): Promise<KafkaCluster> {
  const programs = await kafkaPrograms(options.version);
  const folder = mkdtempSync(join(tmpdir(), 'adtally-kafka-'));
  const proxies: TcpProxy[] = [];
  const ports: NodePorts[] = [];
  for (let id = 1; id <= (options.brokers ?? 1); id += 1) {
    const client = await freePort();
    if (options.proxied === true) proxies.push(await tcpProxy({ host: HOST, port: client }));
    ports.push({
      internal: await freePort(),
      client,
      controller: await freePort(),
      advertised: proxies[id - 1]?.port ?? client,
    });
  }
  const settings = { ...accessSettings(options, folder), ...options.settings };
  const clusterId = newClusterId();
  const nodes = ports.map(
    (_, index) =>
      new KafkaNode(programs, join(folder, String(index + 1)), clusterId, ports, index + 1, {
        ...(options.racks === true ? rackOf(index + 1) : {}),
        ...settings,
      }),
  );
  const nodeOf = (id: number): KafkaNode => {
    const node = nodes[id - 1];
    if (node === undefined) throw new Error(`there is no node ${id}`);
    return node;
  };
  const address = (id: number): string => `${HOST}:${String(ports[id - 1]?.internal)}`;
  const internalBrokers = ports.map(({ internal }) => `${HOST}:${internal}`).join(',');
  /** Started, and for clients: listed by itself (an answer lists living brokers only). */
  const start = async (id: number, known: number): Promise<void> => {
    const { process } = nodeOf(id);
    nodeOf(id).start();
    const isKnown = async () => (await brokersKnownAt(ports[id - 1]?.internal ?? 0)) >= known;
    await process.until(`broker ${id} answers`, isKnown);
  };
  const close = async (): Promise<void> => {
    await Promise.all(nodes.map(({ process }) => process.end('SIGKILL')));
    await Promise.all(proxies.map((proxy) => proxy.close()));
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await Promise.all(nodes.map((_, index) => start(index + 1, nodes.length)));
  } catch (error) {
    await close();
    throw error;
  }
  return {
    brokers: ports.map(({ advertised }) => `${HOST}:${advertised}`).join(','),
    internalBrokers,
    internalBroker: address,
    proxy: (id) => {
      const proxy = proxies[id - 1];
      if (proxy === undefined) throw new Error(`there is no proxy ${id}: give \`proxied\``);
      return proxy;
    },
    kill: (id) => nodeOf(id).process.end('SIGKILL'),
    stop: (id) => nodeOf(id).process.end('SIGTERM'),
    start: (id) => start(id, 1),
    freeze: (id) => nodeOf(id).process.signal('SIGSTOP'),
    thaw: (id) => nodeOf(id).process.signal('SIGCONT'),
    logFolder: (id) => nodeOf(id).logFolder,
    logFile: (id) => nodeOf(id).process.logFile,
    controller: () => controllerOf(nodes),
    tool: async (mainClass, ...args) => {
      const { java, javaArguments } = programs;
      const all = [...javaArguments, mainClass, '--bootstrap-server', internalBrokers, ...args];
      try {
        return (await promisify(execFile)(java, all)).stdout;
      } catch (error) {
        const { stdout, stderr } = error as { stdout?: string; stderr?: string };
        throw new Error(`${mainClass} failed: ${stdout ?? ''}${stderr ?? ''}`, { cause: error });
      }
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

function rackOf(node: number): BrokerSettings {
  return {
    'broker.rack': `rack-${node}`,
    'replica.selector.class': 'org.apache.kafka.common.replica.RackAwareReplicaSelector',
  };
}

/** What most of the living nodes follow: one that was frozen may still believe in an earlier one. */
function controllerOf(nodes: readonly KafkaNode[]): number {
  const votes = nodes.filter(({ process }) => process.isRunning).map((node) => node.controller());
  const known = votes.filter((vote) => vote !== undefined);
  const count = (vote: number): number => known.filter((other) => other === vote).length;
  const [most] = known.toSorted((a, b) => count(b) - count(a));
  if (most === undefined) throw new Error('no controller is elected');
  return most;
}

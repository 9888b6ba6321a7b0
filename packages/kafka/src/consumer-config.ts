import type { AskLog } from './log-questions.ts';
import type { OnNotice } from './notices.ts';
import type { NativeConfig } from './rdkafka.ts';
import { commonConfig, type KafkaSettings } from './settings.ts';

export type GroupProtocol = 'consumer' | 'cooperative-sticky';

export type RecordReader = 'librdkafka' | 'direct';

export interface GroupConsumerOptions {
  readonly groupId: string;
  readonly topic: string;
  /** `consumer` is KIP-848 (brokers from 4.0); `cooperative-sticky` is the classic protocol. */
  readonly protocol: GroupProtocol;
  /** Static membership: a restart under the same id keeps its partitions. */
  readonly instanceId?: string | undefined;
  /** Longest pause between two fetches before the group gives the partitions away. */
  readonly maxPollIntervalMs?: number | undefined;
  /** Classic protocol only; with KIP-848 the broker decides. */
  readonly sessionTimeoutMs?: number | undefined;
  /** Classic protocol only; how soon a member learns of a rebalance. */
  readonly heartbeatIntervalMs?: number | undefined;
  /** Who reads the records: a reader of ours over the protocol itself (default), or the native client. */
  readonly reader?: RecordReader | undefined;
  /** What may be read ahead, in bytes: of the log, and for the native client of values alone. */
  readonly bufferBytes?: number | undefined;
  /** How long one request for the first records may wait when the topic is quiet, in ms. */
  readonly fetchWaitMaxMs?: number | undefined;
  /** `connect` joins no group yet: `join` does. */
  readonly joinsLater?: boolean | undefined;
  /** How long `connect` waits for a first broker, in ms. */
  readonly connectTimeoutMs?: number | undefined;
  /**
   * Asks for the log of a partition, by another connection than the one that reads: a quota mutes that one for as
   * long as it throttles. Without it that one is used.
   */
  readonly askLog?: AskLog | undefined;
  readonly onNotice?: OnNotice | undefined;
}

const DEFAULT_MAX_POLL_INTERVAL_MS = 300_000;
const DEFAULT_SESSION_TIMEOUT_MS = 10_000;
/** Of the classic protocol, whose members learn by it that the group changes: a hand-over waits for two. */
const DEFAULT_HEARTBEAT_INTERVAL_MS = 150;
const DEFAULT_BUFFER_BYTES = 16 * 1024 * 1024;
const DEFAULT_FETCH_WAIT_MAX_MS = 100;
/**
 * Records read ahead. The client's bound in KiB counts values alone, so of records with large headers this
 * many are held, whatever their size.
 */
const QUEUED_MIN_RECORDS = 250;
/** The group's state is read of the client's figures. */
const FIGURES_EVERY_MS = 1_000;
const KIBIBYTE = 1_024;
const FETCH_MAX_BYTES = 16 * 1024 * 1024;
const METADATA_REFRESH_MS = 60_000;
/** 0 spins a whole core, the default of 1000 halves the throughput (measured). */
const FETCH_QUEUE_BACKOFF_MS = 2;

export function bufferBytes({
  bufferBytes: given,
}: Pick<GroupConsumerOptions, 'bufferBytes'>): number {
  return given ?? DEFAULT_BUFFER_BYTES;
}

/** Every property the guarantees or the throughput depend on is stated, none left to a default. */
export function consumerConfig(
  settings: KafkaSettings,
  options: GroupConsumerOptions,
): NativeConfig {
  const maxPollIntervalMs = options.maxPollIntervalMs ?? DEFAULT_MAX_POLL_INTERVAL_MS;
  return {
    ...commonConfig(settings),
    ...(settings.rack === undefined ? {} : { 'client.rack': settings.rack }),
    ...membership(options, maxPollIntervalMs),
    'group.id': options.groupId,
    'statistics.interval.ms': FIGURES_EVERY_MS,
    'max.poll.interval.ms': maxPollIntervalMs,
    ...(options.instanceId === undefined ? {} : { 'group.instance.id': options.instanceId }),
    // Offsets live in the database; a missing or expired one must be reported, never skipped.
    'enable.auto.commit': false,
    'enable.auto.offset.store': false,
    'auto.offset.reset': 'error',
    'allow.auto.create.topics': false,
    'isolation.level': 'read_committed',
    'check.crcs': true,
    // At a log's end the client says where it stands: behind what can never be delivered, too.
    'enable.partition.eof': true,
    'topic.metadata.refresh.interval.ms': METADATA_REFRESH_MS,
    'fetch.queue.backoff.ms': FETCH_QUEUE_BACKOFF_MS,
    'fetch.wait.max.ms': options.fetchWaitMaxMs ?? DEFAULT_FETCH_WAIT_MAX_MS,
    'fetch.max.bytes': FETCH_MAX_BYTES,
    'queued.min.messages': QUEUED_MIN_RECORDS,
    'queued.max.messages.kbytes': Math.ceil(bufferBytes(options) / KIBIBYTE),
  };
}

function membership(options: GroupConsumerOptions, maxPollIntervalMs: number): NativeConfig {
  const { protocol, heartbeatIntervalMs, sessionTimeoutMs } = options;
  switch (protocol) {
    case 'consumer':
      return { 'group.protocol': 'consumer' };
    case 'cooperative-sticky':
      return {
        'group.protocol': 'classic',
        'partition.assignment.strategy': 'cooperative-sticky',
        // librdkafka refuses a session longer than the poll interval.
        'session.timeout.ms': Math.min(
          sessionTimeoutMs ?? DEFAULT_SESSION_TIMEOUT_MS,
          maxPollIntervalMs,
        ),
        'heartbeat.interval.ms': heartbeatIntervalMs ?? DEFAULT_HEARTBEAT_INTERVAL_MS,
      };
    default:
      return protocol satisfies never;
  }
}

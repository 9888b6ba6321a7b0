import { createAPI, Writer, type Connection, type Reader } from '@platformatic/kafka';
import type { AbortedTransaction } from '../record-batch/aborted-transactions.ts';

/** Kafka's number for the request (https://kafka.apache.org/protocol#The_Messages_Fetch). */
export const FETCH_API_KEY = 1;
/** From here on only followers say who they are. */
const WITHOUT_REPLICA_FROM = 15;
/** 12 names the topic, later ones its id: a topic made again under its name is then refused by the broker. */
export const FETCH_VERSIONS = { oldest: 12, byId: 13, newest: 17 } as const;

const READ_COMMITTED = 1;
/** Every request names all its partitions: a session of the broker saves a few bytes a partition. */
const NO_SESSION = { id: 0, epoch: -1 } as const;
const CONSUMER_REPLICA = -1;

export interface PartitionRequest {
  readonly partition: number;
  /** Of the leader we believe in: a broker that knows better refuses. -1 = do not compare. */
  readonly leaderEpoch: number;
  readonly offset: number;
  /** Of the batch before the offset: a log that diverged from what was read is told. -1 = do not compare. */
  readonly lastEpoch: number;
  readonly maxBytes: number;
}

export interface FetchRequest {
  readonly topic: string;
  /** As a UUID. */
  readonly topicId: string;
  readonly partitions: readonly PartitionRequest[];
  /** The broker answers when it has `minBytes`, or after this time. */
  readonly maxWaitMs: number;
  readonly minBytes: number;
  readonly maxBytes: number;
  /** Where this client stands, so that the broker can name a nearer follower; '' = unknown. */
  readonly rack: string;
}

/** What a fetch says of one partition. Offsets are -1 where the broker did not tell them. */
export interface PartitionAnswer {
  readonly partition: number;
  /** Kafka's error code; 0 = none. */
  readonly error: number;
  /** The log's end, as consumers that read uncommitted records see it. */
  readonly end: number;
  /** Below it every transaction is decided. */
  readonly lastStableOffset: number;
  readonly logStart: number;
  /** Where the log departs from what was read: what lies behind was never, or is no more, in it. */
  readonly divergedAt: { readonly epoch: number; readonly endOffset: number } | null;
  readonly leader: { readonly nodeId: number; readonly epoch: number } | null;
  readonly aborted: readonly AbortedTransaction[];
  /** A follower that stands nearer; null = stay. */
  readonly preferredReplica: number | null;
  /** Whole batches, and perhaps the beginning of one more. */
  readonly records: Buffer;
}

/** Up to here a reader of committed records is given something, were it markers: the log's end, or an open transaction. */
export function readableEnd({ end, lastStableOffset }: PartitionAnswer): number {
  return lastStableOffset < 0 ? end : Math.min(end, lastStableOffset);
}

/** What it means that nothing whole comes of a partition that has more, and was asked for before all others. */
export function noBatch(upTo: number): string {
  return `the broker finds no whole batch there, though its log can be read up to ${upTo}`;
}

export interface FetchAnswer {
  /** The quota is used up: the broker reads nothing more from us for so long. */
  readonly throttleMs: number;
  readonly error: number;
  readonly partitions: readonly PartitionAnswer[];
}

type Fetch = (connection: Connection, request: FetchRequest) => Promise<FetchAnswer>;

const FETCHES = new Map<number, Fetch>();

/** The request in one version of its format. */
export function fetchOf(version: number): Fetch {
  let fetch = FETCHES.get(version);
  if (fetch === undefined) {
    const api = createAPI<[request: FetchRequest], FetchAnswer>(
      FETCH_API_KEY,
      version,
      (request) => writeRequest(request, version),
      (_correlation, _api, _version, reader) => readAnswer(reader, version),
    );
    fetch = (connection, request) => api.async(connection, request);
    FETCHES.set(version, fetch);
  }
  return fetch;
}

function writeRequest(request: FetchRequest, version: number): Writer {
  const writer = Writer.create();
  if (version < WITHOUT_REPLICA_FROM) writer.appendInt32(CONSUMER_REPLICA);
  return writer
    .appendInt32(request.maxWaitMs)
    .appendInt32(request.minBytes)
    .appendInt32(request.maxBytes)
    .appendInt8(READ_COMMITTED)
    .appendInt32(NO_SESSION.id)
    .appendInt32(NO_SESSION.epoch)
    .appendArray([request], (topic) => {
      if (version < FETCH_VERSIONS.byId) topic.appendString(request.topic);
      else topic.appendUUID(request.topicId);
      topic.appendArray([...request.partitions], (partition, asked) => {
        partition
          .appendInt32(asked.partition)
          .appendInt32(asked.leaderEpoch)
          .appendInt64(BigInt(asked.offset))
          .appendInt32(asked.lastEpoch)
          .appendInt64(-1n)
          .appendInt32(asked.maxBytes);
      });
    })
    .appendArray([], () => undefined)
    .appendString(request.rack)
    .appendTaggedFields();
}

function readAnswer(reader: Reader, version: number): FetchAnswer {
  const throttleMs = reader.readInt32();
  const error = reader.readInt16();
  reader.readInt32();
  const topics = reader.readArray((topic) => {
    if (version < FETCH_VERSIONS.byId) topic.readString();
    else topic.readUUID();
    // Its tagged fields are read with it.
    return topic.readArray(readPartition, true, false);
  });
  return { throttleMs, error, partitions: topics.flat() };
}

const TAG = { divergingEpoch: 0, currentLeader: 1 } as const;

function readPartition(reader: Reader): PartitionAnswer {
  const partition = reader.readInt32();
  const error = reader.readInt16();
  const end = Number(reader.readInt64());
  const lastStableOffset = Number(reader.readInt64());
  const logStart = Number(reader.readInt64());
  const aborted = reader.readNullableArray((one) => ({
    producerId: one.readInt64(),
    firstOffset: Number(one.readInt64()),
  }));
  const preferred = reader.readInt32();
  const records = readRecords(reader);
  let divergedAt: PartitionAnswer['divergedAt'] = null;
  let leader: PartitionAnswer['leader'] = null;
  for (let left = reader.readUnsignedVarInt(); left > 0; left -= 1) {
    const tag = reader.readUnsignedVarInt();
    const length = reader.readUnsignedVarInt();
    const next = reader.position + length;
    if (tag === TAG.divergingEpoch) {
      divergedAt = { epoch: reader.readInt32(), endOffset: Number(reader.readInt64()) };
    } else if (tag === TAG.currentLeader) {
      leader = { nodeId: reader.readInt32(), epoch: reader.readInt32() };
    }
    reader.position = next;
  }
  return {
    partition,
    error,
    end,
    lastStableOffset,
    logStart,
    divergedAt,
    leader,
    aborted: aborted ?? [],
    preferredReplica: preferred < 0 ? null : preferred,
    records,
  };
}

const NO_RECORDS = Buffer.alloc(0);

/** The bytes of the batches as they came: copied once where they came in several pieces, else not at all. */
function readRecords(reader: Reader): Buffer {
  // One more than the bytes there are; 0 = null.
  const length = reader.readUnsignedVarInt() - 1;
  if (length <= 0) return NO_RECORDS;
  const start = reader.position;
  reader.skip(length);
  return reader.buffer.slice(start, start + length);
}

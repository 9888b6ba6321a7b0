import type { Connection } from '@platformatic/kafka';
import {
  FETCH_VERSIONS,
  fetchOf,
  noBatch,
  readableEnd,
  type PartitionAnswer,
} from './direct/fetch-protocol.ts';
import { messageOf } from './errors.ts';
import { firstReadable } from './first-readable.ts';
import { type AskLeaders, LeaderConnections } from './leader-connections.ts';
import type { Watermarks } from './listed-offsets.ts';
import { readBatchHeader } from './record-batch/batch-header.ts';
import { findUnreadable, type UnreadableRange } from './record-batch/find-unreadable.ts';
import type { KafkaSettings } from './settings.ts';

/** The last record read of a partition, by which a log that was cut below it can be told. */
export interface ReadUpTo {
  /** The offset behind the record. */
  readonly offset: number;
  /** Of the leader that had appended it. */
  readonly leaderEpoch: number;
}

/** A partition to be looked at. */
export interface Suspect {
  readonly partition: number;
  /** The offset that does not come. */
  readonly position: number;
  /** The last record that did; null where none has. */
  readonly last: ReadUpTo | null;
}

export type Sighting =
  /** Nothing is wrong with what lies there. */
  | { readonly kind: 'sound' }
  | ({ readonly kind: 'unreadable' } & UnreadableRange)
  /** Of what was read the log holds what lies before `at` alone. */
  | { readonly kind: 'diverged'; readonly at: number }
  /** Nothing was seen: the broker did not answer, or with an error. */
  | { readonly kind: 'unseen'; readonly detail: string };

/** What is asked by another way than the look itself. */
interface Inquiries {
  readonly leaders: AskLeaders;
  watermarks(partition: number): Promise<Watermarks>;
}

const MAX_BYTES = 4 * 1024 * 1024;
/** Enough to see whether a batch is followed by another; a longer one comes whole all the same. */
const PROBE_BYTES = 64 * 1024;
/** Longest search for where a log can be read again. */
const SEARCH_MS = 10_000;
const WAIT_FOR_ONE = { maxWaitMs: 100, minBytes: 1 };
/** For what does not lie in records. */
const NO_WAIT = { maxWaitMs: 0, minBytes: 0 };
/** What arrives broken is fetched again: the wire or a memory may have done it. */
const LOOKS_AT_BROKEN = 3;
const CORRUPT_MESSAGE = 2;

/**
 * Looks at partitions over the protocol itself, for the native client says neither of which partition nor of
 * which offset its errors are, drops them where records came with them, and takes a damaged batch for a
 * truncated log as well. A connection is opened for a look and closed after it: trouble is rare.
 */
export class LogWitness {
  readonly #settings: KafkaSettings;
  readonly #topic: string;
  readonly #ask: Inquiries;

  constructor(settings: KafkaSettings, topic: string, ask: Inquiries) {
    this.#settings = settings;
    this.#topic = topic;
    this.#ask = ask;
  }

  /** Where the logs depart from what was read of them, of those that do; never rejects. */
  async departures(read: ReadonlyMap<number, ReadUpTo>): Promise<Map<number, number>> {
    using leaders = new LeaderConnections(this.#settings, this.#topic, this.#ask.leaders);
    const byConnection = new Map<Connection, Asked[]>();
    for (const [partition, { offset, leaderEpoch: lastEpoch }] of read) {
      const connection = await leaders.to(partition).catch(() => null);
      if (connection === null) continue;
      const asked = { partition, offset, lastEpoch, maxBytes: PROBE_BYTES };
      byConnection.set(connection, [...(byConnection.get(connection) ?? []), asked]);
    }
    const departures = new Map<number, number>();
    for (const [connection, asked] of byConnection) {
      // All of a broker's in one question: partitions that change hands lie unread until it is answered.
      const answers = await this.#fetchAll(connection, asked, NO_WAIT).catch(() => []);
      for (const answer of answers) {
        const at = departureOf(answer, read.get(answer.partition));
        if (at !== null) departures.set(answer.partition, at);
      }
    }
    return departures;
  }

  /** What is seen of each suspect; never rejects. */
  async look(suspects: readonly Suspect[]): Promise<Map<number, Sighting>> {
    using leaders = new LeaderConnections(this.#settings, this.#topic, this.#ask.leaders);
    const sightings = new Map<number, Sighting>();
    for (const suspect of suspects) {
      try {
        const connection = await leaders.to(suspect.partition);
        sightings.set(suspect.partition, await this.#lookAt(connection, suspect));
      } catch (error) {
        sightings.set(suspect.partition, { kind: 'unseen', detail: messageOf(error) });
      }
    }
    return sightings;
  }

  /**
   * Where a log can be read again behind an offset that cannot be read: the next batch's first offset, or the log's
   * end; null where that could not be found out. Never rejects.
   */
  async endOfUnreadable(partition: number, offset: number): Promise<number | null> {
    const seen = await this.look([{ partition, position: offset, last: null }]);
    const sighting = seen.get(partition);
    return sighting?.kind === 'unreadable' ? sighting.end : null;
  }

  async #lookAt(connection: Connection, suspect: Suspect): Promise<Sighting> {
    const { partition, position, last } = suspect;
    if (last !== null) {
      // Only behind that very record its epoch can be compared.
      const { offset, leaderEpoch: lastEpoch } = last;
      const answer = await this.#fetch(connection, { partition, offset, lastEpoch });
      const at = departureOf(answer, last);
      if (at !== null) return { kind: 'diverged', at };
    }
    for (let look = 1; ; look += 1) {
      const answer = await this.#fetch(connection, { partition, offset: position });
      const sighting = readingOf(answer, position);
      if (sighting.kind !== 'unreadable') return sighting;
      if (look < LOOKS_AT_BROKEN) continue;
      const end =
        sighting.end ?? (await this.#search(connection, partition, sighting.offset, answer));
      return { ...sighting, end };
    }
  }

  /** Asks further on where the bytes that were fetched do not say where the log can be read again. */
  async #search(
    connection: Connection,
    partition: number,
    bad: number,
    answer: PartitionAnswer,
  ): Promise<number | null> {
    const giveUpMs = performance.now() + SEARCH_MS;
    try {
      // An answer that is an error tells no end.
      const isEndTold = answer.error === 0;
      const end = isEndTold ? readableEnd(answer) : (await this.#ask.watermarks(partition)).end;
      return await firstReadable(bad, end, async (offset) => {
        if (performance.now() > giveUpMs) throw new Error('the search takes too long');
        const maxBytes = PROBE_BYTES;
        return batchIn(await this.#fetch(connection, { partition, offset, maxBytes }), offset);
      });
    } catch {
      return null;
    }
  }

  async #fetch(connection: Connection, asked: Asked): Promise<PartitionAnswer> {
    const [answer] = await this.#fetchAll(connection, [asked], WAIT_FOR_ONE);
    return answer as PartitionAnswer;
  }

  /** The answers of one broker, at least one. */
  async #fetchAll(
    connection: Connection,
    asked: readonly Asked[],
    wait: { readonly maxWaitMs: number; readonly minBytes: number },
  ): Promise<readonly PartitionAnswer[]> {
    const all = asked.map(({ partition, offset, lastEpoch = -1, maxBytes = MAX_BYTES }) => {
      return { partition, leaderEpoch: -1, offset, lastEpoch, maxBytes };
    });
    const { error, partitions } = await fetchOf(FETCH_VERSIONS.oldest)(connection, {
      // Unlike its successors it asks by the topic's name.
      topic: this.#topic,
      topicId: '',
      partitions: all,
      ...wait,
      maxBytes: Math.max(...all.map(({ maxBytes }) => maxBytes)),
      rack: '',
    });
    if (partitions.length === 0) throw new Error(`the broker answers with error ${error}`);
    return partitions;
  }
}

interface Asked {
  readonly partition: number;
  readonly offset: number;
  /** Of the leader that had appended the record before it; -1 = do not compare. */
  readonly lastEpoch?: number;
  readonly maxBytes?: number;
}

/** Where the log departs from what was read of it. */
function departureOf({ divergedAt }: PartitionAnswer, last: ReadUpTo | undefined): number | null {
  // A broker also tells of an epoch that it never knew, though all that was read is there.
  const isDeparted =
    divergedAt !== null && last !== undefined && divergedAt.endOffset < last.offset;
  return isDeparted ? divergedAt.endOffset : null;
}

function readingOf(answer: PartitionAnswer, position: number): Sighting {
  const { error, records, aborted, partition, end } = answer;
  if (error === CORRUPT_MESSAGE) {
    const detail = 'the broker itself finds the batch damaged';
    return { kind: 'unreadable', offset: position, end: null, detail };
  }
  if (error !== 0) return { kind: 'unseen', detail: `the broker answers with error ${error}` };
  const upTo = readableEnd(answer);
  if (position < upTo && readBatchHeader(records, 0) === null) {
    return { kind: 'unreadable', offset: position, end: null, detail: noBatch(upTo) };
  }
  const range = findUnreadable(partition, records, position, { aborted, logEnd: end });
  return range === null ? { kind: 'sound' } : { kind: 'unreadable', ...range };
}

/** As `BatchAt`, of what was fetched at `offset`. */
function batchIn(answer: PartitionAnswer, offset: number): number | null {
  const sighting = readingOf(answer, offset);
  if (sighting.kind === 'unseen') throw new Error(sighting.detail);
  if (sighting.kind === 'unreadable') return null;
  return readBatchHeader(answer.records, 0)?.baseOffset ?? null;
}

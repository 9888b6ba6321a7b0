import { Buffer } from 'node:buffer';
import { setTimeout as sleep } from 'node:timers/promises';
import type { RecordHeader } from '@adtally/event-schema';
import { partitionFor } from '@adtally/key-derivation';
import { AckedProducer, KafkaAdmin, type KafkaSettings, type ProduceOutcome } from '@adtally/kafka';
import { DAY_MS, HOUR_MS } from './activity.ts';
import { JournalWriter } from './journal.ts';
import { completeMix, type Mix } from './mix.ts';
import { FUTURE_AHEAD_MS_MIN, Plan } from './plan.ts';
import type { PlannedRecord, PlannedTruth } from './planned-record.ts';
import { Books, type Outcome, type Truth } from './truth.ts';

export interface SimulateOptions {
  /** `host:port,...` */
  readonly brokers: string;
  /** librdkafka properties for TLS and SASL. */
  readonly security?: KafkaSettings['security'] | undefined;
  readonly tokens?: KafkaSettings['tokens'];
  /** An existing topic. */
  readonly topic: string;
  readonly events: number;
  readonly seed: number;
  /** Records a second, 0 = as fast as the broker takes them. */
  readonly rate?: number | undefined;
  /** The instant the run pretends to end at, milliseconds since 1970; now, if absent. */
  readonly baseTimeMs?: number | undefined;
  /** Where the base time lies further back than a broker's clock may differ: that clock, for what is `future`. */
  readonly clockMs?: number | undefined;
  readonly mix?: Partial<Mix> | undefined;
  /** Where to write the journal; none, if absent. */
  readonly journalPath?: string | undefined;
  /** Told what became of every record, in the order of producing: for books of one's own. */
  readonly onOutcome?: ((truth: PlannedTruth, outcome: Outcome) => void) | undefined;
  /** For how long a record is sent again before its outcome is `unknown`; undefined: 30 s. */
  readonly deliveryTimeoutMs?: number | undefined;
  readonly onProgress?: ((progress: Progress) => void) | undefined;
  /** Stops cleanly: what was sent is waited for, and the truth tells of it alone. */
  readonly signal?: AbortSignal | undefined;
}

export interface Progress {
  readonly attempted: number;
  readonly events: number;
  readonly elapsedMs: number;
}

interface Sendable {
  readonly topic: string;
  readonly partition: number | null;
  readonly key: PlannedRecord['key'];
  readonly value: PlannedRecord['value'];
  readonly headers: readonly RecordHeader[] | undefined;
  readonly truth: PlannedTruth;
}

const CLIENT_ID = 'adtally-event-simulator';
const CHUNK_RECORDS = 4000;
const CHUNKS_PER_SECOND = 20;
/** An id more than 24 h ahead of the broker's clock is `future`: stay well on either side of it. */
const BASE_AHEAD_MS_MAX = 12 * HOUR_MS;
const BASE_BEHIND_MS_MAX = FUTURE_AHEAD_MS_MIN - 2 * DAY_MS;

/**
 * Produces a planned run to a topic and tells what must be in the database once it is drained.
 *
 * @throws RangeError for options that make no plan; Error where the topic does not exist; KafkaError
 *   where no broker answers. A record that fails is counted, not thrown.
 */
export async function simulate(options: SimulateOptions): Promise<Truth> {
  const baseTimeMs = options.baseTimeMs ?? Date.now();
  const { brokers, security, tokens, topic, events, seed, rate = 0 } = options;
  const { clockMs, deliveryTimeoutMs } = options;
  checkClock(clockMs ?? baseTimeMs);
  if (!(rate >= 0 && rate < Infinity)) throw new RangeError(`rate=${rate}`);
  const mix = completeMix(options.mix);
  const settings: KafkaSettings = {
    brokers,
    clientId: CLIENT_ID,
    security: security ?? {},
    tokens,
  };
  const partitions = await partitionsOf(settings, topic);
  const plan = new Plan({ events, seed, baseTimeMs, clockMs, partitions, mix });
  const journal = startJournal(options, baseTimeMs, partitions, mix);
  const producer = await AckedProducer.connect(settings, { mode: 'bulk', deliveryTimeoutMs });
  try {
    const books = new Books();
    const startedMs = performance.now();
    const signal = options.signal ?? new AbortController().signal;
    const chunks = chunksOf(plan, topic, rate, signal);
    let attempted = 0;
    for await (const { records, outcomes } of producer.produceStream(chunks)) {
      for (let index = 0; index < records.length; index += 1) {
        const record = records[index] as Sendable;
        const answer = outcomes[index] as ProduceOutcome;
        const outcome = outcomeOf(answer);
        books.enter(record.truth, outcome);
        options.onOutcome?.(record.truth, outcome);
        if (journal !== null)
          await journal.write(record.truth, outcome, placeOf(record, partitions));
      }
      attempted += records.length;
      options.onProgress?.({ attempted, events, elapsedMs: performance.now() - startedMs });
    }
    const truth = books.truth();
    await journal?.finish(truth);
    return truth;
  } finally {
    await producer.close();
  }
}

async function partitionsOf(settings: KafkaSettings, topic: string): Promise<number> {
  const admin = new KafkaAdmin(settings);
  try {
    const description = await admin.describeTopic(topic);
    if (description === null)
      throw new Error(
        `topic ${topic} does not exist: the simulator writes to topics, it makes none`,
      );
    return description.partitions.length;
  } finally {
    admin.close();
  }
}

function startJournal(
  { journalPath, topic, events, seed }: SimulateOptions,
  baseTimeMs: number,
  partitions: number,
  mix: Mix,
): JournalWriter | null {
  if (journalPath === undefined) return null;
  return new JournalWriter(journalPath, {
    format: 'adtally-simulator-journal-1',
    topic,
    events,
    seed,
    partitions,
    base_time: new Date(baseTimeMs).toISOString(),
    mix,
  });
}

/** The plan in chunks, each handed out when the rate allows it; ends early on abort. */
async function* chunksOf(
  plan: Plan,
  topic: string,
  rate: number,
  signal: AbortSignal,
): AsyncGenerator<Sendable[]> {
  const size =
    rate === 0 ? CHUNK_RECORDS : Math.min(CHUNK_RECORDS, Math.ceil(rate / CHUNKS_PER_SECOND));
  const startedMs = performance.now();
  let planned = 0;
  while (!signal.aborted) {
    const chunk: Sendable[] = [];
    for (let next = plan.next(); next.done !== true; next = plan.next()) {
      const { key, value, headers, partition, truth } = next.value;
      chunk.push({ topic, partition, key, value, headers: headers ?? undefined, truth });
      if (chunk.length === size) break;
    }
    if (chunk.length === 0) return;
    if (rate > 0) {
      const aheadMs = startedMs + (planned / rate) * 1000 - performance.now();
      // An abort ends the wait and, with it, the run.
      if (aheadMs > 0) await sleep(aheadMs, undefined, { signal }).catch(() => undefined);
      if (signal.aborted) return;
    }
    planned += chunk.length;
    yield chunk;
  }
}

/** What an answer that is no ack means for whether the record is in the topic. */
const NOT_ACKED: Readonly<Record<Exclude<ProduceOutcome, 'acked'>['failed'], Outcome>> = {
  refused: 'failed',
  transient: 'unknown',
};

function outcomeOf(answer: ProduceOutcome): Outcome {
  return answer === 'acked' ? 'acked' : NOT_ACKED[answer.failed];
}

function placeOf({ partition, key }: Sendable, partitions: number): number {
  if (partition !== null) return partition;
  return partitionFor(
    typeof key === 'string' ? Buffer.from(key) : (key ?? Buffer.alloc(0)),
    partitions,
  );
}

function checkClock(clockMs: number): void {
  const aheadMs = clockMs - Date.now();
  if (aheadMs > BASE_AHEAD_MS_MAX || aheadMs < -BASE_BEHIND_MS_MAX)
    throw new RangeError(
      'the base time must lie between 28 days ago and 12 hours ahead: which ids are "future" depends on the broker\'s clock',
    );
}

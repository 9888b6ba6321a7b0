import {
  keepDeadLetters,
  referToDeadLetters,
  type WriterSession,
  type WrittenRows,
} from '@adtally/db';
import {
  DEAD_LETTER_HEADERS,
  withAddedHeaders,
  type EventBatch,
  type Rejection,
  type SourceRecord,
} from '@adtally/event-schema';
import type { AckedProducer, ProduceRecord } from '@adtally/kafka';
import { Backoff } from '@adtally/pacing';
import type { Logger } from '@adtally/telemetry';
import type { CommitCompanion } from './commit-companion.ts';
import type { HoldUps } from './reports/hold-ups.ts';

/** Who dead-lettered it, for people and for the reprocessor. */
export interface Producer {
  readonly app: string;
  readonly version: string;
}

const RETRY_FIRST_MS = 100;
const RETRY_LAST_MS = 5_000;
const MESSAGE_CHARACTERS_MAX = 500;

/**
 * The dead letter of a record: its key, bytes and headers unchanged, plus the headers Kafka Connect
 * writes (readable by existing tools) and our own code.
 */
export function deadLetterOf(
  topic: string,
  record: SourceRecord,
  rejection: Rejection,
  producer: Producer,
): ProduceRecord {
  const H = DEAD_LETTER_HEADERS;
  const headers = withAddedHeaders(record.headers, {
    [H.topic]: record.topic,
    [H.partition]: String(record.partition),
    [H.offset]: String(record.offset),
    [H.app]: producer.app,
    [H.stage]: 'VALUE_CONVERTER',
    [H.exceptionClass]: `adtally.${rejection.code}`,
    [H.message]: rejection.message.slice(0, MESSAGE_CHARACTERS_MAX),
    [H.code]: rejection.code,
    [H.field]: rejection.field ?? '',
    [H.version]: producer.version,
  });
  return { topic, key: record.key, value: record.value, headers };
}

/**
 * The consumer's companion: sends rejected records to the DLQ topic and waits until the broker has them; only
 * then may the batch be committed, with a reference to each.
 */
export class DeadLetterSender implements CommitCompanion {
  readonly #producer: AckedProducer;
  readonly #topic: string;
  readonly #self: Producer;
  readonly #log: Logger;
  readonly #holdUps: HoldUps | undefined;

  constructor(
    producer: AckedProducer,
    topic: string,
    self: Producer,
    log: Logger,
    holdUps?: HoldUps,
  ) {
    this.#holdUps = holdUps;
    this.#producer = producer;
    this.#topic = topic;
    this.#self = self;
    this.#log = log;
  }

  /** A DLQ that cannot be written is waited for: a topic, a right or replicas that are missing, a silent broker. */
  async secure(batch: EventBatch, rows: readonly number[], signal: AbortSignal): Promise<void> {
    const backoff = new Backoff(RETRY_FIRST_MS, RETRY_LAST_MS);
    let waiting = rows;
    while (waiting.length > 0) {
      const outcomes = await this.#producer.produceAll(
        waiting.map((row) => this.#letter(batch, row)),
      );
      const again: number[] = [];
      for (const [index, outcome] of outcomes.entries()) {
        const row = waiting[index] as number;
        if (outcome === 'acked') continue;
        switch (outcome.failed) {
          case 'refused':
            batch.unsendable.set(row, outcome.message);
            break;
          case 'transient':
            again.push(row);
            if (again.length === 1) this.#noteWaiting(outcome.message);
            break;
          default:
            outcome.failed satisfies never;
        }
      }
      waiting = again;
      if (waiting.length > 0) await backoff.wait(signal, 'writing dead letters');
    }
    this.#holdUps?.end('dead_letters');
    this.#noteUnsendable(batch);
  }

  #noteUnsendable({ unsendable }: EventBatch): void {
    const [reason] = unsendable.values();
    if (reason === undefined) return;
    const records = unsendable.size;
    this.#log.warn(
      { reason, records },
      'refused by the dead-letter topic for good: the database keeps them',
    );
  }

  #noteWaiting(message: string): void {
    this.#log.warn({ reason: message }, 'dead letter not taken yet');
    const detail = `topic ${this.#topic} does not take dead letters: ${message}`;
    this.#holdUps?.note('dead_letters', { code: 'dead_letters_not_taken', detail });
  }

  async writeAlongside(session: WriterSession, written: WrittenRows): Promise<void> {
    const { batch, rejected } = written;
    await referToDeadLetters(session, batch, rejected);
    await keepDeadLetters(
      session,
      batch,
      rejected.filter((row) => batch.unsendable.has(row)),
      batch.unsendable,
    );
  }

  #letter(batch: EventBatch, row: number): ProduceRecord {
    const rejection = batch.rejections.get(row);
    if (rejection === undefined) throw new Error(`row ${row} is not rejected`);
    return deadLetterOf(this.#topic, batch.record(row), rejection, this.#self);
  }
}

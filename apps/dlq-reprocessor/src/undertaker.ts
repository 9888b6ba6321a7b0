import { decodeHeaders } from '@adtally/db';
import { exhaustedLetters, markDead, type ExhaustedLetter, type HeldLane } from '@adtally/letters';
import { DEAD_LETTER_HEADERS, withAddedHeaders } from '@adtally/event-schema';
import type { AckedProducer, ProduceOutcome, ProduceRecord } from '@adtally/kafka';
import { Abandoned } from '@adtally/pacing';
import { WaitingError, type WriterLink } from '@adtally/pipeline';
import type { Logger } from '@adtally/telemetry';
import type { ReprocessorMetrics } from './metrics.ts';

export interface UndertakerParts {
  readonly link: WriterLink;
  readonly producer: AckedProducer;
  readonly metrics: ReprocessorMetrics;
  readonly log: Logger;
}

export interface UndertakerOptions {
  readonly eventsTopic: string;
  readonly deadTopic: string;
  readonly appVersion: string;
}

const AT_ONCE_MAX = 2_000;

/**
 * Takes letters without a try left to the dead topic. A letter stays pending until the broker has it: one
 * that is sent twice because we died in between is the same letter and series, and counts once.
 */
export class Undertaker {
  readonly #parts: UndertakerParts;
  readonly #options: UndertakerOptions;

  constructor(parts: UndertakerParts, options: UndertakerOptions) {
    this.#parts = parts;
    this.#options = options;
  }

  /**
   * Buries some letters of these lanes; returns how many the dead topic took, 0 where there is none to bury.
   *
   * @throws WaitingError where the topic does not take them, or not all of them
   * @throws Abandoned where the signal fires: what has no answer yet stays with its lane
   */
  async bury(lanes: readonly HeldLane[], signal: AbortSignal): Promise<number> {
    if (lanes.length === 0) return 0;
    const { link, log, metrics } = this.#parts;
    const { eventsTopic, deadTopic } = this.#options;
    const session = await link.session(signal);
    const letters = await exhaustedLetters(session, eventsTopic, lanes, AT_ONCE_MAX);
    if (letters.length === 0) return 0;
    const { taken, waitsFor } = await this.#send(letters, signal);
    await markDead(session, taken);
    for (const { code } of taken) metrics.lettersDead.add(1, { code });
    if (taken.length > 0) log.warn({ letters: taken.length }, 'letters given up: dead topic');
    if (taken.length < letters.length) {
      const waiting = letters.length - taken.length;
      const detail = `topic ${deadTopic} does not take ${waiting} letters: ${waitsFor}`;
      throw new WaitingError({ code: 'dead_topic_waits', detail });
    }
    return taken.length;
  }

  /** The letters the broker has, and why it has not the others, which stay for the next turn. */
  async #send(
    letters: readonly ExhaustedLetter[],
    signal: AbortSignal,
  ): Promise<{ taken: ExhaustedLetter[]; waitsFor: string | undefined }> {
    const taken: ExhaustedLetter[] = [];
    const refused: ExhaustedLetter[] = [];
    let waitsFor: string | undefined;
    const outcomes = await this.#produce(letters, true, signal);
    for (const [index, outcome] of outcomes.entries()) {
      const letter = letters[index] as ExhaustedLetter;
      if (outcome === 'acked') {
        taken.push(letter);
        continue;
      }
      switch (outcome.failed) {
        case 'refused':
          refused.push(letter);
          break;
        case 'transient':
          waitsFor ??= outcome.message;
          break;
        default:
          outcome.failed satisfies never;
      }
    }
    const stubs = await this.#produce(refused, false, signal);
    for (const [index, outcome] of stubs.entries()) {
      if (outcome === 'acked') taken.push(refused[index] as ExhaustedLetter);
      else waitsFor ??= `${outcome.message}, even without its bytes`;
    }
    return { taken, waitsFor };
  }

  async #produce(
    letters: readonly ExhaustedLetter[],
    withBytes: boolean,
    signal: AbortSignal,
  ): Promise<ProduceOutcome[]> {
    const abandoned = Promise.withResolvers<never>();
    const abandon = () => abandoned.reject(new Abandoned('burying letters'));
    if (signal.aborted) abandon();
    signal.addEventListener('abort', abandon, { once: true });
    try {
      const records = letters.map((letter) => this.#record(letter, withBytes));
      return await Promise.race([this.#parts.producer.produceAll(records), abandoned.promise]);
    } finally {
      signal.removeEventListener('abort', abandon);
    }
  }

  #record(letter: ExhaustedLetter, withBytes: boolean): ProduceRecord {
    const H = DEAD_LETTER_HEADERS;
    return {
      topic: this.#options.deadTopic,
      // A compacted topic takes nothing without a key.
      key: withBytes ? letter.key : `${letter.topic}[${letter.partition}]@${letter.offset}`,
      value: withBytes ? letter.value : null,
      headers: withAddedHeaders(withBytes ? decodeHeaders(letter.headers) : [], {
        [H.topic]: letter.topic,
        [H.partition]: String(letter.partition),
        [H.offset]: String(letter.offset),
        [H.app]: 'dlq-reprocessor',
        [H.stage]: 'VALUE_CONVERTER',
        [H.exceptionClass]: `adtally.${letter.code}`,
        [H.message]: letter.message,
        [H.code]: letter.code,
        [H.field]: letter.field,
        [H.version]: this.#options.appVersion,
        [H.topicId]: letter.topicId,
        [H.fingerprint]: letter.fingerprint,
        [H.series]: String(letter.series),
        [H.attempts]: String(letter.attempts),
        ...(withBytes ? {} : { [H.withoutBytes]: 'in table dead_letter_records' }),
      }),
    };
  }
}

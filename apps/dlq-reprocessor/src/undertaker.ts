import { decodeHeaders } from '@adtally/db';
import { exhaustedLetters, markDead, type ExhaustedLetter, type HeldLane } from '@adtally/letters';
import { DEAD_LETTER_HEADERS, withAddedHeaders } from '@adtally/event-schema';
import type { AckedProducer, ProduceRecord } from '@adtally/kafka';
import type { WriterLink } from '@adtally/pipeline';
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

const AT_ONCE_MAX = 500;

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

  /** Buries some letters of these lanes; returns how many the dead topic took. */
  async bury(lanes: readonly HeldLane[], signal: AbortSignal): Promise<number> {
    if (lanes.length === 0) return 0;
    const { link, log, metrics } = this.#parts;
    const { eventsTopic } = this.#options;
    const session = await link.session(signal);
    const letters = await exhaustedLetters(session, eventsTopic, lanes, AT_ONCE_MAX);
    if (letters.length === 0) return 0;
    const taken = await this.#send(letters);
    await markDead(session, taken);
    for (const { code } of taken) metrics.lettersDead.add(1, { code });
    if (taken.length > 0) log.warn({ letters: taken.length }, 'letters given up: dead topic');
    return taken.length;
  }

  /** The letters the broker has; the others stay for the next turn. */
  async #send(letters: readonly ExhaustedLetter[]): Promise<ExhaustedLetter[]> {
    const { producer, log } = this.#parts;
    const taken: ExhaustedLetter[] = [];
    const refused: ExhaustedLetter[] = [];
    let waitingFor: string | undefined;
    let waiting = 0;
    const outcomes = await producer.produceAll(letters.map((letter) => this.#record(letter, true)));
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
          waitingFor ??= outcome.message;
          waiting++;
          break;
        default:
          outcome.failed satisfies never;
      }
    }
    if (waitingFor !== undefined)
      log.warn({ reason: waitingFor, letters: waiting }, 'letters not taken by the dead topic yet');
    const stubs = await producer.produceAll(refused.map((letter) => this.#record(letter, false)));
    for (const [index, outcome] of stubs.entries()) {
      if (outcome === 'acked') taken.push(refused[index] as ExhaustedLetter);
      else
        log.error(
          { reason: outcome.message },
          'the dead topic refuses even a letter without bytes',
        );
    }
    return taken;
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

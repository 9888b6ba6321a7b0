import { decodeHeaders, type WriterSession } from '@adtally/db';
import { leaseLetters, type AttemptLimits, type LeasedLetter } from '@adtally/letters';
import type { DecodeLimits } from '@adtally/event-schema';
import {
  BatchWork,
  classify,
  readBy,
  tellCounts,
  type BatchCommitter,
  type BatchTracing,
  type WriterLink,
} from '@adtally/pipeline';
import { Abandoned } from '@adtally/pacing';
import type { Logger } from '@adtally/telemetry';
import type { Lane, Lanes } from './lanes.ts';
import type { ReprocessorMetrics } from './metrics.ts';
import type { TrySettler } from './try-settler.ts';

export interface RetrierParts {
  readonly link: WriterLink;
  readonly lanes: Lanes;
  readonly committer: BatchCommitter;
  readonly settler: TrySettler;
  readonly metrics: ReprocessorMetrics;
  readonly tracing?: BatchTracing | undefined;
  readonly log: Logger;
}

export interface RetrierOptions {
  readonly eventsTopic: string;
  readonly batchMax: number;
  readonly limits: AttemptLimits;
  readonly decode: DecodeLimits;
  readonly appVersion: string;
}

/** Of so many batches one is a suspect's, where there is one. */
const SUSPECT_EVERY = 4;

/** Retries letters that are due through the path events take: classify, route, one transaction. */
export class Retrier {
  readonly #parts: RetrierParts;
  readonly #options: RetrierOptions;
  readonly #work: BatchWork;
  #turn = 0;
  /** Leased, and no outcome of theirs is committed. A failed batch is not in hand: its leases end with its lanes. */
  lettersInHand = 0;

  constructor(parts: RetrierParts, options: RetrierOptions) {
    this.#parts = parts;
    this.#options = options;
    this.#work = new BatchWork(options.batchMax);
  }

  /** Tries one batch of letters that are due; returns how many, 0 where none is. */
  async retryBatch(signal: AbortSignal): Promise<number> {
    const { committer, lanes, metrics, settler, log } = this.#parts;
    if (lanes.held.length === 0) return 0;
    const leasedFromMs = Date.now();
    const session = await this.#parts.link.session(signal);
    // Only now: of a lane taken away while a session was opened the cursor row does not name it, so that the next
    // claim would not end a lease of ours. One taken away from here on is tried all the same.
    const { held } = lanes;
    const letters = await this.#lease(session, held);
    const [first] = letters;
    if (first === undefined) return 0;
    const work = this.#fill(letters, held);
    classify(work.batch, 0, {
      horizonMs: committer.horizonMs,
      partitions: null,
      ...readBy(this.#options.decode, first.rules),
      // One row a letter, in their order.
      acceptsFuture: (row) => letters[row]?.acceptsFuture === true,
    });
    this.#parts.tracing?.begin(work, leasedFromMs);
    settler.expect(letters);
    const spans = [...work.spans.values()];
    this.lettersInHand = letters.length;
    const { counts, fenced } = await this.#commit(work, signal);
    this.lettersInHand = 0;
    tellCounts(work, counts);
    work.trace?.end();
    lanes.lose(lanes.held.filter(({ sourceId }) => fenced.includes(sourceId)));
    for (const { claim, end } of spans) claim.committedOffset = end;
    const outcomes = Map.groupBy(settler.settled, ({ outcome }) => outcome);
    for (const [outcome, tries] of outcomes) metrics.retries.add(tries.length, { outcome });
    const failed = outcomes.get('failed')?.length ?? 0;
    log.info({ letters: letters.length, failed, lanesLost: fenced.length }, 'letters retried');
    return letters.length;
  }

  async #commit(work: BatchWork, signal: AbortSignal): ReturnType<BatchCommitter['commit']> {
    try {
      return await this.#parts.committer.commit(work, signal);
    } catch (error) {
      work.trace?.end(error);
      if (!(error instanceof Abandoned)) this.lettersInHand = 0;
      throw error;
    }
  }

  /** Suspects are tried one at a time, so that a letter that kills us takes no other along; each in its turn. */
  async #lease(session: WriterSession, held: readonly Lane[]): Promise<LeasedLetter[]> {
    const { eventsTopic, limits, appVersion, batchMax } = this.#options;
    if (held.length === 0) return [];
    const request = { eventsTopic, limits, appVersion, lanes: held };
    const others = { ...request, limit: batchMax, suspects: false };
    const suspect = { ...request, limit: 1, suspects: true };
    this.#turn = (this.#turn + 1) % SUSPECT_EVERY;
    const [first, second] = this.#turn === 0 ? [suspect, others] : [others, suspect];
    const letters = await leaseLetters(session, first);
    return letters.length > 0 ? letters : await leaseLetters(session, second);
  }

  /** One row a letter; the offset of a row is the number of its try in the lane's own count. */
  #fill(letters: readonly LeasedLetter[], held: readonly Lane[]): BatchWork {
    const lanes = new Map(held.map((lane) => [lane.lane, lane]));
    const work = this.#work;
    work.clear();
    work.horizonMs = this.#parts.committer.horizonMs;
    for (const letter of letters) {
      const lane = lanes.get(letter.lane) as Lane;
      const span = work.spans.get(lane.sourceId) ?? {
        claim: lane,
        first: lane.committedOffset,
        end: lane.committedOffset,
        gap: 0,
        firstAppendMs: letter.appendMs,
      };
      work.batch.append(
        {
          topic: letter.topic,
          partition: letter.partition,
          offset: span.end,
          key: letter.key,
          value: letter.value,
          headers: decodeHeaders(letter.headers),
          timestamp: letter.appendMs,
        },
        lane.sourceId,
      );
      span.end += 1;
      work.spans.set(lane.sourceId, span);
    }
    return work;
  }
}

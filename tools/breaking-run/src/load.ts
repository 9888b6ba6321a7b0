import { setTimeout as sleep } from 'node:timers/promises';
import { simulate, type Outcome, type PlannedTruth, type Truth } from '@adtally/event-simulator';
import { identityOf } from './identity.ts';

/** What must be in the database for a load, as far as a recount compares it. */
export interface Expected {
  readonly acked: number;
  /** Above 0 the rest is a lower bound only. */
  readonly unknown: number;
  readonly unique: number;
  readonly duplicate: number;
  readonly conflict: number;
  readonly deadLettered: number;
  /** Micros of the unique events. */
  readonly micros: bigint;
  /** The unique events, by what each is. */
  readonly identities: ReadonlySet<string>;
  /** Those, and all that may have arrived without an answer. */
  readonly possible: ReadonlySet<string>;
}

type Sums = Omit<Expected, 'identities' | 'possible'>;

type Turn = PromiseWithResolvers<void>;

export interface LoadOptions {
  /** A listener that no kind cuts: what a kind breaks is between Kafka and us. */
  readonly brokers: string;
  readonly topic: string;
  /** Records a second. */
  readonly rate: number;
  readonly seed: number;
  /** For how long a record is sent again before nobody knows whether it arrived; undefined: the producer's own. */
  readonly deliveryTimeoutMs?: number | undefined;
}

/** More than any kind lasts; what lasts longer goes on with the next seed. */
const EVENTS_MAX = 100_000;
const AGAIN_MS = 1_000;
/** Apart from the seeds of other kinds. */
const NEXT_SEED = 1_000;

/**
 * A small steady load. A producer that a fault has ended (its topic is gone, its records were lost) is followed by
 * another, as producers are.
 */
export class Load {
  readonly rate: number;
  readonly #ending = new AbortController();
  readonly #truths: Truth[] = [];
  readonly #acked = new Set<string>();
  readonly #possible = new Set<string>();
  readonly #besides: Pick<Expected, 'acked' | 'deadLettered'>[] = [];
  #producing = new AbortController();
  #break: { readonly begun: Turn; readonly over: Turn } | undefined;
  readonly #running: Promise<void>;

  constructor(options: LoadOptions) {
    this.rate = options.rate;
    this.#running = this.#run(options);
  }

  /**
   * Does something while nobody produces; another producer goes on afterwards. For what copies of an event must not
   * lie on both sides of: one that knows other partitions would put them elsewhere.
   */
  async interrupt(work: () => Promise<void>): Promise<void> {
    const pause = { begun: Promise.withResolvers<void>(), over: Promise.withResolvers<void>() };
    this.#break = pause;
    this.#producing.abort();
    await pause.begun.promise;
    try {
      await work();
    } finally {
      this.#break = undefined;
      pause.over.resolve();
    }
  }

  /** Enters records that a kind produced itself. */
  enter(besides: Pick<Expected, 'acked' | 'deadLettered'>): void {
    this.#besides.push(besides);
  }

  /** Stops producing; resolves with the simulators' books of what was acknowledged. */
  async end(): Promise<Expected> {
    this.#ending.abort();
    await this.#running;
    const sum = this.#truths.reduce(added, NOTHING);
    const sums = this.#besides.reduce<Sums>(
      (all, { acked, deadLettered }) => ({
        ...all,
        acked: all.acked + acked,
        deadLettered: all.deadLettered + deadLettered,
      }),
      sum,
    );
    return { ...sums, identities: this.#acked, possible: this.#possible };
  }

  #note(truth: PlannedTruth, outcome: Outcome): void {
    if (truth.kind === 'rejected' || outcome === 'failed') return;
    const identity = identityOf(truth.event);
    this.#possible.add(identity);
    if (outcome === 'acked') this.#acked.add(identity);
  }

  async #run({
    brokers,
    topic,
    rate,
    seed: firstSeed,
    deliveryTimeoutMs,
  }: LoadOptions): Promise<void> {
    const { signal: ending } = this.#ending;
    const onOutcome = (truth: PlannedTruth, outcome: Outcome) => this.#note(truth, outcome);
    for (let seed = firstSeed; !ending.aborted; seed += NEXT_SEED) {
      // Whoever interrupts while no producer is there stops the next one before it begins.
      while (this.#break !== undefined) {
        this.#break.begun.resolve();
        await this.#break.over.promise;
      }
      this.#producing = new AbortController();
      const signal = AbortSignal.any([ending, this.#producing.signal]);
      const events = EVENTS_MAX;
      try {
        this.#truths.push(
          await simulate({
            brokers,
            topic,
            rate,
            seed,
            events,
            signal,
            onOutcome,
            deliveryTimeoutMs,
          }),
        );
      } catch {
        // It fails before it sends anything: where it cannot connect, or there is no topic.
      }
      await sleep(AGAIN_MS, undefined, { signal: ending }).catch(() => undefined);
    }
  }
}

const NOTHING: Sums = {
  acked: 0,
  unknown: 0,
  unique: 0,
  duplicate: 0,
  conflict: 0,
  deadLettered: 0,
  micros: 0n,
};

function added(sum: Sums, truth: Truth): Sums {
  return {
    acked: sum.acked + truth.acked,
    unknown: sum.unknown + truth.unknown,
    unique: sum.unique + truth.unique,
    duplicate: sum.duplicate + truth.duplicate,
    conflict: sum.conflict + truth.conflict,
    deadLettered:
      sum.deadLettered + Object.values(truth.dead_lettered).reduce((all, one) => all + one, 0),
    micros: Object.values(truth.money).reduce((all, one) => all + BigInt(one), sum.micros),
  };
}

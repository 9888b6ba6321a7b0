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

/** More than any kind lasts. */
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
  readonly #running: Promise<void>;

  /** @param brokers by a listener that no kind cuts: what a kind breaks is between Kafka and us */
  constructor(brokers: string, topic: string, rate: number, seed: number) {
    this.rate = rate;
    this.#running = this.#run(brokers, topic, seed);
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

  async #run(brokers: string, topic: string, firstSeed: number): Promise<void> {
    const { signal } = this.#ending;
    const onOutcome = (truth: PlannedTruth, outcome: Outcome) => this.#note(truth, outcome);
    for (let seed = firstSeed; !signal.aborted; seed += NEXT_SEED) {
      const options = {
        brokers,
        topic,
        rate: this.rate,
        seed,
        events: EVENTS_MAX,
        signal,
        onOutcome,
      };
      try {
        this.#truths.push(await simulate(options));
      } catch {
        // It fails before it sends anything: where it cannot connect, or there is no topic.
      }
      await sleep(AGAIN_MS, undefined, { signal }).catch(() => undefined);
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

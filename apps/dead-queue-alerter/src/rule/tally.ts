import type { ArrivedLetter } from '@adtally/alerting';

export interface Cause {
  readonly count: number;
  /** One original coordinate. */
  readonly sample: string;
}

/** What an incident's letters have in common, small however many they are. */
export interface Tally {
  readonly letters: number;
  /** First and last offset by partition of the dead topic. */
  readonly offsets: Readonly<Record<string, readonly [first: number, last: number]>>;
  readonly causes: Readonly<Record<string, Cause>>;
  /** Letters of causes that came when there were enough of them. */
  readonly otherCauses: number;
}

/** A producer may make a cause of its own for each letter. */
const CAUSES_MAX = 50;

export const NO_LETTERS: Tally = { letters: 0, offsets: {}, causes: {}, otherCauses: 0 };

/** Adds letters one by one; `done` gives the sum. */
export class Tallying {
  #letters: number;
  #otherCauses: number;
  readonly #offsets: Map<string, readonly [number, number]>;
  readonly #causes: Map<string, Cause>;

  constructor(start: Tally = NO_LETTERS) {
    this.#letters = start.letters;
    this.#otherCauses = start.otherCauses;
    this.#offsets = new Map(Object.entries(start.offsets));
    this.#causes = new Map(Object.entries(start.causes));
  }

  add({ partition, deadOffset, cause, origin }: ArrivedLetter): void {
    this.#letters += 1;
    this.#widen(String(partition), deadOffset, deadOffset);
    this.#count(cause, 1, origin);
  }

  merge(other: Tally): void {
    this.#letters += other.letters;
    this.#otherCauses += other.otherCauses;
    for (const [partition, [first, last]] of Object.entries(other.offsets)) {
      this.#widen(partition, first, last);
    }
    for (const [cause, { count, sample }] of Object.entries(other.causes)) {
      this.#count(cause, count, sample);
    }
  }

  done(): Tally {
    return {
      letters: this.#letters,
      offsets: Object.fromEntries(this.#offsets),
      causes: Object.fromEntries(this.#causes),
      otherCauses: this.#otherCauses,
    };
  }

  #widen(partition: string, first: number, last: number): void {
    const known = this.#offsets.get(partition) ?? [first, last];
    this.#offsets.set(partition, [Math.min(known[0], first), Math.max(known[1], last)]);
  }

  #count(cause: string, count: number, sample: string): void {
    const known = this.#causes.get(cause);
    if (known !== undefined) {
      this.#causes.set(cause, { count: known.count + count, sample: known.sample });
    } else if (this.#causes.size < CAUSES_MAX) {
      this.#causes.set(cause, { count, sample });
    } else {
      this.#otherCauses += count;
    }
  }
}

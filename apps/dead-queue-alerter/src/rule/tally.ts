import type { ArrivedLetter } from '@adtally/alerting';
import { SourceTally, type SourceCounts } from '@adtally/event-schema';

export interface Cause {
  readonly count: number;
  /** One original coordinate. */
  readonly sample: string;
  readonly fingerprint: string;
  readonly sources: SourceCounts;
}

/** What an incident's letters have in common, small however many they are. */
export interface Tally {
  readonly letters: number;
  /** First and last offset by partition of the dead topic. */
  readonly offsets: Readonly<Record<string, readonly [first: number, last: number]>>;
  /** By their words. */
  readonly causes: Readonly<Record<string, Cause>>;
  /** Letters of causes that came when there were enough of them. */
  readonly otherCauses: number;
}

/** As a build before schema 24 wrote it: causes by their fingerprint, and no sources. */
type StoredCause = Pick<Cause, 'count' | 'sample'> & Partial<Cause>;

/** A producer may make a cause of its own for each letter. */
const CAUSES_MAX = 50;
const FINGERPRINT = /^[0-9a-f]{16}$/;

export const NO_LETTERS: Tally = { letters: 0, offsets: {}, causes: {}, otherCauses: 0 };

/** The tally that an incident keeps, whichever build wrote it. */
export function storedTally(detail: unknown): Tally {
  const { causes, ...tally } = detail as Tally;
  const stored: Readonly<Record<string, StoredCause>> = causes;
  return {
    ...tally,
    causes: Object.fromEntries(
      Object.entries(stored).map(([name, { count, sample, fingerprint, sources }]) => {
        const words = FINGERPRINT.test(name) ? `cause ${name}, told by an older build` : name;
        const unknown = { bySource: { '': count }, others: 0 };
        return [
          words,
          {
            count,
            sample,
            fingerprint: fingerprint ?? (FINGERPRINT.test(name) ? name : ''),
            sources: sources ?? unknown,
          },
        ];
      }),
    ),
  };
}

interface Counting extends Omit<Cause, 'sources'> {
  readonly sources: SourceTally;
}

/** Adds letters one by one; `done` gives the sum. */
export class Tallying {
  #letters: number;
  #otherCauses: number;
  readonly #offsets: Map<string, readonly [number, number]>;
  readonly #causes = new Map<string, Counting>();

  constructor(start: Tally = NO_LETTERS) {
    this.#letters = start.letters;
    this.#otherCauses = start.otherCauses;
    this.#offsets = new Map(Object.entries(start.offsets));
    for (const [words, cause] of Object.entries(start.causes)) this.#count(words, cause);
  }

  add({ partition, deadOffset, cause, fingerprint, source, origin }: ArrivedLetter): void {
    this.#letters += 1;
    this.#widen(String(partition), deadOffset, deadOffset);
    const sources = { bySource: { [source]: 1 }, others: 0 };
    this.#count(cause, { count: 1, sample: origin, fingerprint, sources });
  }

  merge(other: Tally): void {
    this.#letters += other.letters;
    this.#otherCauses += other.otherCauses;
    for (const [partition, [first, last]] of Object.entries(other.offsets)) {
      this.#widen(partition, first, last);
    }
    for (const [words, cause] of Object.entries(other.causes)) this.#count(words, cause);
  }

  done(): Tally {
    const causes = [...this.#causes].map(([words, { sources, ...cause }]) => [
      words,
      { ...cause, sources: sources.counts() },
    ]);
    return {
      letters: this.#letters,
      offsets: Object.fromEntries(this.#offsets),
      causes: Object.fromEntries(causes) as Tally['causes'],
      otherCauses: this.#otherCauses,
    };
  }

  #widen(partition: string, first: number, last: number): void {
    const known = this.#offsets.get(partition) ?? [first, last];
    this.#offsets.set(partition, [Math.min(known[0], first), Math.max(known[1], last)]);
  }

  #count(words: string, { count, sample, fingerprint, sources }: Cause): void {
    const known = this.#causes.get(words);
    if (known === undefined && this.#causes.size >= CAUSES_MAX) {
      this.#otherCauses += count;
    } else if (known === undefined) {
      const tally = new SourceTally();
      tally.merge(sources);
      this.#causes.set(words, { count, sample, fingerprint, sources: tally });
    } else {
      known.sources.merge(sources);
      this.#causes.set(words, { ...known, count: known.count + count });
    }
  }
}

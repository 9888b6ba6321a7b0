import type { ArrivalInOrder } from '@adtally/alerting';
import { Tallying, type Tally } from './tally.ts';

/** More than `threshold` letters within any `windowMs` is a breach. All times are append times in ms. */
export interface Rule {
  readonly threshold: number;
  readonly windowMs: number;
  /** An episode is over when for so long no window exceeded the threshold. */
  readonly resolveMs: number;
}

/** Breaches with less than `resolveMs` between them, and every letter from the first one's window on. */
export interface Episode {
  /** The first letter of the first window that exceeded. */
  readonly sinceMs: number;
  /** The letter that made it exceed. */
  readonly breachedMs: number;
  /** From here on no window exceeds the threshold any more. */
  readonly untilMs: number;
  readonly tally: Tally;
}

/** An episode the database knows as an incident. */
export interface KnownEpisode extends Episode {
  readonly incidentId: bigint;
  readonly isResolved: boolean;
}

export interface EvaluatedEpisode extends Episode {
  /** Null: found now. */
  readonly incidentId: bigint | null;
  /** When it ended; null while it goes on. */
  readonly endedMs: number | null;
}

/**
 * Finds the episodes in a stretch of letters. A pure function of letters in append order, so that neither
 * where batches were cut nor when anybody looked changes what is found; it knows no clock.
 *
 * A letter that comes after its neighbours were evaluated (another partition lagged) is put in its place:
 * more letters only ever make more windows exceed, so what was found before stays true.
 *
 * @param arrivals in append order; the fresh ones, and their neighbours as far as a window reaches
 * @param known the open incident, and resolved ones that touch the stretch; ordered by begin
 * @param completeMs every letter appended before this is known: an episode whose quiet ends there is over
 * @returns every episode that was found, has changed or has ended, in order
 */
export function evaluate(
  rule: Rule,
  arrivals: readonly ArrivalInOrder[],
  known: readonly KnownEpisode[],
  completeMs: number,
): EvaluatedEpisode[] {
  const walk = new Walk(rule, known);
  for (const arrival of arrivals) walk.visit(arrival);
  return walk.finish(completeMs);
}

/** An episode while the walk may still change it. */
class Draft {
  readonly incidentId: bigint | null;
  readonly isResolved: boolean;
  readonly tallying: Tallying;
  sinceMs: number;
  breachedMs: number;
  untilMs: number;
  isTouched: boolean;

  constructor(from: Episode & Partial<KnownEpisode>) {
    this.incidentId = from.incidentId ?? null;
    this.isResolved = from.isResolved ?? false;
    this.sinceMs = from.sinceMs;
    this.breachedMs = from.breachedMs;
    this.untilMs = from.untilMs;
    this.tallying = new Tallying(from.tally);
    this.isTouched = from.incidentId === undefined;
  }

  add(arrival: ArrivalInOrder): void {
    // Letters evaluated before are in a known incident's tally already.
    if (!arrival.isFresh && this.incidentId !== null) return;
    this.tallying.add(arrival);
    this.isTouched = true;
  }

  extendTo(untilMs: number): void {
    if (untilMs <= this.untilMs) return;
    this.untilMs = untilMs;
    this.isTouched = true;
  }

  result(endedMs: number | null): EvaluatedEpisode {
    const { incidentId, sinceMs, breachedMs, untilMs } = this;
    return { incidentId, sinceMs, breachedMs, untilMs, endedMs, tally: this.tallying.done() };
  }
}

class Walk {
  readonly #rule: Rule;
  readonly #ahead: Draft[];
  readonly #results: EvaluatedEpisode[] = [];
  /** The last letters, as many as exceed the threshold together. */
  readonly #recent: ArrivalInOrder[] = [];
  #current: Draft | null = null;

  constructor(rule: Rule, known: readonly KnownEpisode[]) {
    this.#rule = rule;
    this.#ahead = known.map((one) => new Draft(one));
  }

  visit(arrival: ArrivalInOrder): void {
    this.#enterKnown(arrival.appendedMs);
    this.#leaveBefore(arrival.appendedMs);
    this.#current?.add(arrival);
    const window = this.#slide(arrival);
    if (window === null) return;
    const untilMs = window.appendedMs + this.#rule.windowMs;
    // Inside a resolved incident: its people have been told.
    if (this.#current?.isResolved) return;
    if (this.#current !== null) this.#current.extendTo(untilMs);
    else this.#open(window.appendedMs, arrival.appendedMs, untilMs);
  }

  finish(completeMs: number): EvaluatedEpisode[] {
    this.#enterKnown(Infinity);
    this.#leaveBefore(completeMs);
    this.#put(this.#current, null);
    return this.#results;
  }

  /** The first letter of the window that this one makes exceed; null where it does not. */
  #slide(arrival: ArrivalInOrder): ArrivalInOrder | null {
    this.#recent.push(arrival);
    if (this.#recent.length > this.#rule.threshold + 1) this.#recent.shift();
    const [first] = this.#recent;
    if (first === undefined || this.#recent.length <= this.#rule.threshold) return null;
    return arrival.appendedMs - first.appendedMs < this.#rule.windowMs ? first : null;
  }

  #open(sinceMs: number, breachedMs: number, untilMs: number): void {
    const tallying = new Tallying();
    for (const letter of this.#recent) tallying.add(letter);
    this.#current = new Draft({ sinceMs, breachedMs, untilMs, tally: tallying.done() });
  }

  /** Comes to known incidents that began up to here. */
  #enterKnown(atMs: number): void {
    for (
      let [next] = this.#ahead;
      next !== undefined && next.sinceMs <= atMs;
      [next] = this.#ahead
    ) {
      this.#ahead.shift();
      this.#enter(next);
    }
  }

  #enter(next: Draft): void {
    const former = this.#current;
    // An open incident goes on; a resolved one inside it was found late and told of by itself.
    if (former !== null && former.incidentId !== null && !former.isResolved) return;
    this.#current = next;
    if (former === null || former.isResolved) return this.#put(former, null);
    const isOneEpisode = !next.isResolved && next.breachedMs < this.#endOf(former);
    if (!isOneEpisode) return this.#put(former, this.#endOf(former));
    next.sinceMs = former.sinceMs;
    next.breachedMs = former.breachedMs;
    next.extendTo(former.untilMs);
    next.tallying.merge(former.tallying.done());
    next.isTouched = true;
  }

  /** Ends what is over at this time. */
  #leaveBefore(atMs: number): void {
    const current = this.#current;
    if (current === null) return;
    if (current.isResolved) {
      if (atMs < current.untilMs) return;
      this.#put(current, null);
    } else {
      if (atMs < this.#endOf(current)) return;
      current.isTouched = true;
      this.#put(current, this.#endOf(current));
    }
    this.#current = null;
  }

  #endOf(episode: Draft): number {
    return episode.untilMs + this.#rule.resolveMs;
  }

  #put(episode: Draft | null, endedMs: number | null): void {
    if (episode?.isTouched === true) this.#results.push(episode.result(endedMs));
  }
}

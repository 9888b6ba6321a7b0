import type { PlannedEvent } from './event.ts';
import { arrivalMs, type Population } from './population.ts';
import type { Rng } from './rng.ts';

export const SECOND_MS = 1000;
export const MINUTE_MS = 60 * SECOND_MS;
export const HOUR_MS = 60 * MINUTE_MS;
export const DAY_MS = 24 * HOUR_MS;

const CLICK_DELAY_MS = [SECOND_MS, 6 * HOUR_MS] as const;
const CONVERSION_DELAY_MS = [MINUTE_MS, 7 * DAY_MS] as const;
const TRANSPORT_MS_MAX = 500;
const RECENT_CLICKS = 4096;
const SEARCH_BACK_MAX = 64;

/** How often what precedes an event of an old impression turns up too, late. */
const OLD_IMPRESSION_SENT = 0.6;
const OLD_CLICK_SENT = 0.5;
const CLAIMS_CLICK = 0.8;

/** An event that arrives now, and others it brings along, which arrive after it. */
export interface Happening {
  readonly event: PlannedEvent;
  readonly later: readonly PlannedEvent[];
}

/**
 * What people do: they see, click after seconds to hours, convert after minutes to days. An event
 * belongs to an impression of this run where one is old enough, else to one from before it.
 */
export class Activity {
  readonly #population: Population;
  readonly #rng: Rng;
  readonly #recentClicks: PlannedEvent[] = [];
  /** A bit a record: whether an impression arrived on time there. */
  readonly #impressionHere: Uint8Array;

  constructor(population: Population, rng: Rng) {
    this.#population = population;
    this.#rng = rng;
    this.#impressionHere = new Uint8Array(Math.ceil(population.timeline.events / 8));
  }

  /** The impression that arrives on time as record `index`; later clicks can find it. */
  impression(index: number): PlannedEvent {
    this.#impressionHere[index >> 3] = (this.#impressionHere[index >> 3] ?? 0) | (1 << (index & 7));
    return this.#population.impressionAt(index);
  }

  /** An impression that is held up on its way. */
  delayedImpression(index: number): PlannedEvent {
    const bornMs = this.#arrivalMs(index) - this.#rng.below(SECOND_MS);
    return this.#population.impressionBorn(bornMs, this.#rng);
  }

  click(index: number): Happening {
    const nowMs = this.#arrivalMs(index);
    const bornMs = nowMs - this.#rng.logUniform(...CLICK_DELAY_MS);
    const later: PlannedEvent[] = [];
    const impression = this.#impressionNear(bornMs, index) ?? this.#oldImpression(bornMs, later);
    const event = this.#population.click(impression, this.#beforeMs(nowMs), this.#rng);
    this.#recentClicks[index % RECENT_CLICKS] = event;
    return { event, later };
  }

  conversion(index: number): Happening {
    const rng = this.#rng;
    const nowMs = this.#arrivalMs(index);
    const later: PlannedEvent[] = [];
    let click = this.#recentClicks[rng.below(RECENT_CLICKS)];
    if (click === undefined || click.occurredAtMicros / 1000 + MINUTE_MS > nowMs) {
      const clickedMs = nowMs - rng.logUniform(...CONVERSION_DELAY_MS);
      const impression = this.#oldImpression(clickedMs - rng.logUniform(...CLICK_DELAY_MS), later);
      click = this.#population.click(impression, clickedMs, rng);
      if (rng.chance(OLD_CLICK_SENT)) later.push(click);
    }
    const origin = rng.chance(CLAIMS_CLICK) ? click : { ...click, clickId: null };
    return { event: this.#population.conversion(origin, this.#beforeMs(nowMs), rng), later };
  }

  /** The impression that arrived in this run about then, if one did. */
  #impressionNear(timeMs: number, now: number): PlannedEvent | null {
    const { startMs, spanMs, events } = this.#population.timeline;
    const near = Math.floor(((timeMs - startMs) / spanMs) * events);
    const lowest = Math.max(0, near - SEARCH_BACK_MAX);
    for (let index = Math.min(near, now - 1); index >= lowest; index -= 1)
      if (((this.#impressionHere[index >> 3] ?? 0) >> (index & 7)) & 1)
        return this.#population.impressionAt(index);
    return null;
  }

  #oldImpression(bornMs: number, later: PlannedEvent[]): PlannedEvent {
    const impression = this.#population.impressionBorn(bornMs, this.#rng);
    if (this.#rng.chance(OLD_IMPRESSION_SENT)) later.push(impression);
    return impression;
  }

  #arrivalMs(index: number): number {
    return arrivalMs(this.#population.timeline, index);
  }

  #beforeMs(arrivedMs: number): number {
    return arrivedMs - this.#rng.below(TRANSPORT_MS_MAX);
  }
}

import { Catalog } from './catalog.ts';
import type { PlannedEvent } from './event.ts';
import type { Mix } from './mix.ts';
import { Rng } from './rng.ts';
import { uuidV4, uuidV7 } from './uuid.ts';

const IMPRESSION_STREAM = 2;
const TRANSPORT_MS_MAX = 2000;
const HUGE_FROM = 2 ** 53;
const HUGE_STEP_MAX = 1_000_000;

/** The span of time the run pretends to be: record n arrives at `arrivalMs(n)`. */
export interface Timeline {
  readonly startMs: number;
  readonly spanMs: number;
  readonly events: number;
}

export function arrivalMs(timeline: Timeline, index: number): number {
  return timeline.startMs + Math.floor((timeline.spanMs * index) / timeline.events);
}

/** Makes the events of a run; everything about one follows from the seed and its number. */
export class Population {
  readonly timeline: Timeline;
  readonly catalog: Catalog;
  readonly #seed: number;
  readonly #mix: Mix;
  readonly #stream: Rng;
  #uniqueMade: number;

  constructor(seed: number, timeline: Timeline, mix: Mix) {
    this.#seed = seed;
    this.timeline = timeline;
    this.#mix = mix;
    this.catalog = new Catalog(seed);
    this.#stream = new Rng(seed, IMPRESSION_STREAM);
    // Numbers below `events` belong to the impressions that are named by their place in the run.
    this.#uniqueMade = timeline.events;
  }

  /** The impression that arrives as record `index`: made again, equal, whenever a click needs it. */
  impressionAt(index: number): PlannedEvent {
    const rng = this.#stream;
    rng.reseed(this.#seed, IMPRESSION_STREAM, index);
    const bornMs = arrivalMs(this.timeline, index) - rng.below(TRANSPORT_MS_MAX);
    return this.#impression(bornMs, index, rng);
  }

  /** An impression born at that time that has no place of its own in the run. */
  impressionBorn(bornMs: number, rng: Rng): PlannedEvent {
    return this.#impression(Math.floor(bornMs), this.#nextUnique(), rng);
  }

  /** An impression that claims to be born then, by a time-ordered id in any case. */
  futureImpression(bornMs: number, rng: Rng): PlannedEvent {
    const unique = this.#nextUnique();
    const impressionId = uuidV7(bornMs, unique, rng);
    return { ...this.#impression(bornMs, unique, rng), impressionId };
  }

  click(impression: PlannedEvent, occurredAtMs: number, rng: Rng): PlannedEvent {
    return {
      ...impression,
      type: 'click',
      clickId: uuidV7(Math.floor(occurredAtMs), this.#nextUnique(), rng),
      occurredAtMicros: micros(occurredAtMs, rng),
      amount: this.#amount(50_000 + rng.below(2_000_000), rng),
    };
  }

  /** A conversion of `origin`'s impression; it claims the click that `origin` names, if it names one. */
  conversion(origin: PlannedEvent, occurredAtMs: number, rng: Rng): PlannedEvent {
    return {
      ...origin,
      type: 'conversion',
      conversionId: `order-${this.#nextUnique()}-${rng.uint32().toString(36)}`,
      occurredAtMicros: micros(occurredAtMs, rng),
      amount: this.#amount(1_000_000 + rng.below(250_000_000), rng),
    };
  }

  #impression(bornMs: number, unique: number, rng: Rng): PlannedEvent {
    const campaign = this.catalog.campaign(rng);
    return {
      type: 'impression',
      impressionId: rng.chance(this.#mix.nonV7) ? uuidV4(unique, rng) : uuidV7(bornMs, unique, rng),
      bornMs,
      clickId: null,
      conversionId: null,
      occurredAtMicros: micros(bornMs, rng),
      amount: this.#amount(campaign.impressionPriceMicros + rng.below(500), rng),
      currency: campaign.currency,
      campaign: campaign.id,
      creative: rng.pick(campaign.creatives),
      placement: this.catalog.placement(rng),
    };
  }

  #amount(usual: number, rng: Rng): string {
    if (!rng.chance(this.#mix.hugeAmount)) return String(usual);
    return (BigInt(HUGE_FROM) + 1n + BigInt(rng.below(HUGE_STEP_MAX))).toString();
  }

  #nextUnique(): number {
    const unique = this.#uniqueMade;
    this.#uniqueMade += 1;
    return unique;
  }
}

function micros(unixMillis: number, rng: Rng): number {
  return Math.floor(unixMillis) * 1000 + rng.below(1000);
}

import { TIMELESS_FROM_MS } from '@adtally/event-schema';
import { Activity, DAY_MS, MINUTE_MS, SECOND_MS, type Happening } from './activity.ts';
import { conflicting, KeptRecords } from './copies.ts';
import type { PlannedEvent } from './event.ts';
import { spoil } from './malformed.ts';
import { completeMix, MALFORMED_KINDS, type MalformedKind, type Mix } from './mix.ts';
import type { PlannedRecord } from './planned-record.ts';
import { arrivalMs, Population, type Timeline } from './population.ts';
import { RecordMaker, type Dispatch } from './records.ts';
import { Rng } from './rng.ts';

const PLAN_STREAM = 3;
/** Events a second the timeline pretends to carry. */
const TIMELINE_EVENTS_PER_SECOND = 50_000;
const TIMELINE_MS_MIN = MINUTE_MS;
/** The last record arrives this long before the base instant. */
const TIMELINE_END_GAP_MS = SECOND_MS;
/** How far ahead of the clock by which `future` is judged such an impression is born. */
export const FUTURE_AHEAD_MS_MIN = 30 * DAY_MS;
/** A delayed record comes 1..so many records later. */
const HELD_BACK_RECORDS = 1000;
export const EVENTS_MAX = 1_000_000_000;
export const PARTITIONS_MAX = 10_000;

const ADJACENT_COPY = 0.3;
const CONFLICT_REPEATED = 0.2;
const MALFORMED_REPEATED = 0.05;

export interface PlanOptions {
  /** Records to plan, malformed ones and copies included. */
  readonly events: number;
  /** Integer 0..2^53-1. */
  readonly seed: number;
  /** The instant the run pretends to end at, milliseconds since 1970. */
  readonly baseTimeMs: number;
  /** What the broker's clock says, from which `future` impressions lie ahead; the base time, if absent. */
  readonly clockMs?: number | undefined;
  /** Partitions of the topic: what "another partition" means. */
  readonly partitions: number;
  readonly mix?: Partial<Mix> | undefined;
}

/**
 * The plan of a run: an iterator of records. A pure function of its options: equal options give equal
 * bytes, partitions and order. Memory is bounded except for one bit an event.
 */
export class Plan implements IterableIterator<PlannedRecord> {
  readonly #options: PlanOptions;
  readonly #mix: Mix;
  readonly #rng: Rng;
  readonly #population: Population;
  readonly #activity: Activity;
  readonly #maker: RecordMaker;
  readonly #kept = new KeptRecords();
  readonly #heldBack = new Map<number, Dispatch>();
  #index = 0;
  #malformedMade = 0;

  /** @throws RangeError for options that make no plan */
  constructor(options: PlanOptions) {
    checkOptions(options);
    const { events, seed, partitions } = options;
    this.#options = options;
    this.#mix = completeMix(options.mix);
    this.#rng = new Rng(seed, PLAN_STREAM);
    const spanMs = Math.max(TIMELINE_MS_MIN, (events / TIMELINE_EVENTS_PER_SECOND) * SECOND_MS);
    const startMs = Math.floor(options.baseTimeMs - TIMELINE_END_GAP_MS - spanMs);
    const timeline: Timeline = { startMs, spanMs, events };
    this.#population = new Population(seed, timeline, this.#mix);
    this.#activity = new Activity(this.#population, this.#rng);
    this.#maker = new RecordMaker(this.#mix, partitions, this.#rng);
  }

  [Symbol.iterator](): this {
    return this;
  }

  next(): IteratorResult<PlannedRecord, undefined> {
    if (this.#index >= this.#options.events) return { done: true, value: undefined };
    const due = this.#heldBack.get(this.#index);
    if (due !== undefined) this.#heldBack.delete(this.#index);
    const { record, kept } = due ?? this.#make();
    // Only what was sent may be copied: a copy must never overtake its first.
    if (kept !== null) this.#kept.keep(kept, this.#rng);
    this.#index += 1;
    return { done: false, value: record };
  }

  #make(): Dispatch {
    const mix = this.#mix;
    let draw = this.#rng.unit();
    if ((draw -= mix.click) < 0) return this.#happening(this.#activity.click(this.#index));
    if ((draw -= mix.conversion) < 0)
      return this.#happening(this.#activity.conversion(this.#index));
    if ((draw -= mix.duplicate) < 0) return this.#copy() ?? this.#impression();
    if ((draw -= mix.conflict) < 0) return this.#conflict() ?? this.#impression();
    if ((draw -= mix.malformed) < 0) return this.#malformed();
    return this.#impression();
  }

  #impression(): Dispatch {
    if (this.#rng.chance(this.#mix.outOfOrder))
      this.#holdBack(this.#first(this.#activity.delayedImpression(this.#index)));
    return this.#first(this.#activity.impression(this.#index));
  }

  #happening({ event, later }: Happening): Dispatch {
    for (const delayed of later) this.#holdBack(this.#first(delayed));
    return this.#first(event);
  }

  #first(event: PlannedEvent): Dispatch {
    return this.#maker.first(event, this.#nowMs());
  }

  #copy(): Dispatch | null {
    const isAdjacent = this.#rng.chance(ADJACENT_COPY);
    const kept = isAdjacent ? this.#kept.latest() : this.#kept.any(this.#rng);
    return kept === null ? null : { record: this.#maker.copy(kept, this.#nowMs()), kept: null };
  }

  #conflict(): Dispatch | null {
    const kept = this.#kept.any(this.#rng);
    if (kept === null) return null;
    const version = kept.versions;
    const event = conflicting(kept, this.#population.catalog);
    if (event === null) return null;
    const record = this.#maker.conflict(kept, event, version, this.#nowMs());
    return this.#perhapsTwice({ record, kept: null }, CONFLICT_REPEATED);
  }

  #malformed(): Dispatch {
    const code = this.#nextMalformedKind();
    const event = code === 'future' ? this.#futureEvent() : this.#eventToSpoil();
    const record: PlannedRecord = {
      key: event.impressionId,
      ...spoil(code, event, this.#rng),
      partition: null,
      truth: { kind: 'rejected', code, event },
    };
    return this.#perhapsTwice({ record, kept: null }, MALFORMED_REPEATED);
  }

  /** Every kind in turn, so that a small run has them all. */
  #nextMalformedKind(): MalformedKind {
    const kind = MALFORMED_KINDS[this.#malformedMade % MALFORMED_KINDS.length] as MalformedKind;
    this.#malformedMade += 1;
    return kind;
  }

  #eventToSpoil(): PlannedEvent {
    const nowMs = this.#nowMs();
    const impression = this.#population.impressionBorn(nowMs, this.#rng);
    const click = this.#population.click(impression, nowMs, this.#rng);
    const conversion = this.#population.conversion(click, nowMs, this.#rng);
    return this.#rng.pick([impression, click, conversion]);
  }

  #futureEvent(): PlannedEvent {
    // Ids of 2100 and later carry no time: they are events.
    const { baseTimeMs, clockMs = baseTimeMs } = this.#options;
    const aheadMs = this.#rng.logUniform(FUTURE_AHEAD_MS_MIN, TIMELESS_FROM_MS - clockMs);
    const bornMs = Math.floor(clockMs + aheadMs);
    return this.#population.futureImpression(bornMs, this.#rng);
  }

  #perhapsTwice(dispatch: Dispatch, probability: number): Dispatch {
    if (this.#rng.chance(probability)) this.#holdBack(dispatch);
    return dispatch;
  }

  /** Sends it some records later, in the next free place; where there is none it is never sent. */
  #holdBack(dispatch: Dispatch): void {
    if (this.#heldBack.size >= HELD_BACK_RECORDS / 2) return;
    let place = this.#index + 1 + this.#rng.below(HELD_BACK_RECORDS);
    while (this.#heldBack.has(place)) place += 1;
    this.#heldBack.set(place, dispatch);
  }

  #nowMs(): number {
    return arrivalMs(this.#population.timeline, this.#index);
  }
}

function checkOptions({ events, seed, baseTimeMs, clockMs, partitions }: PlanOptions): void {
  const problems: string[] = [];
  const latestMs = TIMELESS_FROM_MS - 2 * FUTURE_AHEAD_MS_MIN;
  if (!isWithin(events, 0, EVENTS_MAX)) problems.push(`events=${events} (0..${EVENTS_MAX})`);
  if (!isWithin(seed, 0, Number.MAX_SAFE_INTEGER)) problems.push(`seed=${seed} (0..2^53-1)`);
  if (!isWithin(partitions, 1, PARTITIONS_MAX))
    problems.push(`partitions=${partitions} (1..${PARTITIONS_MAX})`);
  // The oldest impressions are born a week and more before; `future` ones a month and more after, and before 2100.
  if (!isWithin(baseTimeMs, 30 * DAY_MS, latestMs)) problems.push(`baseTimeMs=${baseTimeMs}`);
  if (clockMs !== undefined && !isWithin(clockMs, baseTimeMs, latestMs))
    problems.push(`clockMs=${clockMs}`);
  if (problems.length > 0) throw new RangeError(`no such plan: ${problems.join(', ')}`);
}

function isWithin(value: number, from: number, to: number): boolean {
  return Number.isSafeInteger(value) && value >= from && value <= to;
}

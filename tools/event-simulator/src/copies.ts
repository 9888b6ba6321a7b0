import type { Catalog } from './catalog.ts';
import type { PlannedEvent } from './event.ts';
import type { Rng } from './rng.ts';

/** A valid record that was planned before, kept to be sent again. */
export interface Kept {
  readonly identity: number;
  readonly event: PlannedEvent;
  readonly json: string;
  readonly key: string | null;
  readonly partition: number | null;
  readonly misrouted: boolean;
  readonly unknownFields: number;
  /** Payloads planned for this identity so far. */
  versions: number;
}

const KEPT_MAX = 8192;
// One in so many takes a place: the mean age of a copied record is KEPT_MAX times this.
const KEEP_EVERY = 8;
const VERSIONS_MAX = 200;

/** A bounded sample of what was planned: near things and things from long ago. */
export class KeptRecords {
  readonly #sample: Kept[] = [];
  #latest: Kept | null = null;

  keep(record: Kept, rng: Rng): void {
    this.#latest = record;
    if (this.#sample.length < KEPT_MAX) this.#sample.push(record);
    else if (rng.below(KEEP_EVERY) === 0) this.#sample[rng.below(KEPT_MAX)] = record;
  }

  latest(): Kept | null {
    return this.#latest;
  }

  any(rng: Rng): Kept | null {
    return this.#sample.length === 0 ? null : rng.pick(this.#sample);
  }
}

/**
 * Another payload of the same identity, different from all earlier ones of it, or `null` where it has
 * had enough. Takes the next version number.
 */
export function conflicting(kept: Kept, catalog: Catalog): PlannedEvent | null {
  if (kept.versions >= VERSIONS_MAX) return null;
  const version = kept.versions;
  kept.versions += 1;
  const { event } = kept;
  switch (version % 4) {
    case 0:
      return { ...event, amount: (BigInt(event.amount) + BigInt(version)).toString() };
    case 1:
      return { ...event, occurredAtMicros: event.occurredAtMicros + version };
    case 2: {
      const own = catalog.campaigns.findIndex(({ id }) => id === event.campaign);
      const other = catalog.campaigns[(own + version) % catalog.campaigns.length];
      if (other === undefined) throw new Error('the catalog is empty');
      return { ...event, campaign: other.id };
    }
    default: {
      const own = catalog.placements.indexOf(event.placement);
      const other = catalog.placements[(own + version) % catalog.placements.length];
      if (other === undefined) throw new Error('the catalog is empty');
      return { ...event, placement: other };
    }
  }
}

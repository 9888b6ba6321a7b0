import type { Trust, WrittenRows } from '@adtally/db';
import { ROUTE } from '@adtally/event-schema';

/** In so many batches a wrong guess costs one a second try. */
const REST_BATCHES = 1_000;

/**
 * Whether rows that Redis was not asked for are taken for new. They are few, old, and nearly always new: then each costs a
 * third of what it costs to write it the verified way. One that is not new costs the whole batch a second try, so after
 * one that was stored already they are verified, until none was for a thousand batches.
 */
export class Guesses {
  #restBatches = 0;

  get trust(): Trust {
    return this.#restBatches > 0 ? 'answers' : 'guesses';
  }

  /** Of a batch that is committed: what became of its rows. */
  note({ batch, duplicates, conflicts }: WrittenRows): void {
    const wasUnasked = (row: number): boolean => batch.route[row] === ROUTE.unasked;
    const isWrong = [...duplicates, ...conflicts].some(wasUnasked);
    this.#restBatches = isWrong ? REST_BATCHES : Math.max(0, this.#restBatches - 1);
  }
}

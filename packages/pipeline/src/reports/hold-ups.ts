import type { WaitReason } from '../wait-reason.ts';

/** Somebody who waits, why, and since when on the monotonic clock. */
export interface HoldUp {
  readonly what: string;
  readonly reason: WaitReason;
  readonly sinceMs: number;
}

/**
 * What keeps work that is owned from getting on just now: whoever waits for a server notes why, and ends the note when
 * it goes on. For those who look from outside; decides nothing.
 */
export class HoldUps {
  readonly #noted = new Map<string, HoldUp>();

  /** `what` names the one who waits, `commit` or `dead_letters`: each has one reason, the newest. */
  note(what: string, reason: WaitReason): void {
    const sinceMs = this.#noted.get(what)?.sinceMs ?? performance.now();
    this.#noted.set(what, { what, reason, sinceMs });
  }

  end(what: string): void {
    this.#noted.delete(what);
  }

  /** The reason that has been there longest; null while nothing waits. */
  get reason(): WaitReason | null {
    return this.all[0]?.reason ?? null;
  }

  /** Whoever waits, the longest first. */
  get all(): readonly HoldUp[] {
    return [...this.#noted.values()];
  }
}

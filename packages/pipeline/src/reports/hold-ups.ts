import type { WaitReason } from '../wait-reason.ts';

/**
 * What keeps owned partitions from getting on just now: whoever waits for a server notes why, and ends the note when
 * it goes on. For those who look from outside; decides nothing.
 */
export class HoldUps {
  readonly #noted = new Map<string, WaitReason>();

  /** `what` names the one who waits, `commit` or `dead_letters`: each has one reason, the newest. */
  note(what: string, reason: WaitReason): void {
    this.#noted.set(what, reason);
  }

  end(what: string): void {
    this.#noted.delete(what);
  }

  /** The reason that has been there longest; null while nothing waits. */
  get reason(): WaitReason | null {
    return this.#noted.values().next().value ?? null;
  }
}

/**
 * A request larger than this gets no more through in a second, and holds more back when it is lost. Its answer is held twice while it is
 * taken apart.
 */
const REQUEST_BYTES_MAX = 4 * 1024 * 1024;

/** Shares what may be fetched and not handed out yet among the requests under way. */
export class ByteBudget {
  readonly #limit: number;
  readonly #heldBytes: () => number;
  #underWay = 0;

  /** @param heldBytes tells what was fetched and not handed out yet */
  constructor(limitBytes: number, heldBytes: () => number) {
    this.#limit = limitBytes;
    this.#heldBytes = heldBytes;
  }

  /** Takes bytes for one request, where `brokers` are asked at once; 0 = none are left. */
  reserve(brokers: number): number {
    const left = this.#limit - this.#underWay - this.#heldBytes();
    // A request that waits for records at one broker must leave room for those to the others.
    const share = Math.ceil(this.#limit / Math.max(1, brokers));
    const bytes = Math.max(0, Math.min(REQUEST_BYTES_MAX, share, left));
    this.#underWay += bytes;
    return bytes;
  }

  release(bytes: number): void {
    this.#underWay -= bytes;
  }
}

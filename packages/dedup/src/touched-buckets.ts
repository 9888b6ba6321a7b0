/** Most buckets remembered as having a TTL; past it some are given theirs once more. */
const REMEMBERED_MAX = 100_000;
const WINDOW_MS_MAX = 60_000;

/**
 * Which buckets got their TTL from this process lately, in two generations. It forgets after a
 * quarter to a half of the TTL, so a bucket that expired meanwhile and is written again gets one
 * again; else it would stay in Redis for good.
 */
export class TouchedBuckets {
  readonly #windowMs: number;
  #current = new Set<number>();
  #previous = new Set<number>();
  #turnAtMs = 0;

  constructor(ttlSeconds: number) {
    this.#windowMs = Math.min(WINDOW_MS_MAX, (ttlSeconds * 1000) / 4);
  }

  /** Whether the bucket needs a TTL; remembers it as having one from now on. */
  touch(bucket: number, nowMs: number): boolean {
    if (nowMs >= this.#turnAtMs || this.#current.size >= REMEMBERED_MAX) {
      this.#previous = nowMs >= this.#turnAtMs + this.#windowMs ? new Set() : this.#current;
      this.#current = new Set();
      this.#turnAtMs = nowMs + this.#windowMs;
    }
    if (this.#current.has(bucket) || this.#previous.has(bucket)) return false;
    this.#current.add(bucket);
    return true;
  }

  /** After a lost connection or a failed mark: nothing is known of any bucket. */
  forgetAll(): void {
    this.#current.clear();
    this.#previous.clear();
  }
}

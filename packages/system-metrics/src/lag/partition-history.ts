/** What one look found of a partition. */
export interface Sighting {
  /** The next offset to count. */
  readonly cursor: number;
  /** For how long the cursor has stood there by the database; null where nobody has claimed the partition yet. */
  readonly idleMs: number | null;
  /** Null: unknown. */
  readonly end: number | null;
}

/** What was seen of one partition over the looks of one leader. Times are of the monotonic clock. */
export class PartitionHistory {
  /** When it was first heard of. */
  readonly firstMs: number;
  #last: { atMs: number; cursor: number; end: number | null } | null = null;
  #movedMs = -Infinity;
  /** When nothing waited, as last seen. */
  #caughtUpMs = -Infinity;
  #waitingMs: number | null = null;
  #condition: { name: string; sinceMs: number } | null = null;
  /** What waited at the look before this one is committed: what waits now is younger than that look. */
  #youngerThanMs: number | null = null;

  constructor(nowMs: number) {
    this.firstMs = nowMs;
  }

  note(nowMs: number, { cursor, idleMs, end }: Sighting): void {
    const last = this.#last;
    // The database's word is older than this leader, ours is as good once the cursor has moved before our eyes.
    if (idleMs !== null) this.#movedMs = nowMs - idleMs;
    else if (last === null || last.cursor !== cursor) this.#movedMs = nowMs;
    this.#youngerThanMs =
      last !== null && last.end !== null && last.end <= cursor ? last.atMs : null;
    if (end !== null && end <= cursor) {
      this.#caughtUpMs = nowMs;
      this.#waitingMs = null;
    } else if (end !== null) {
      this.#waitingMs ??= nowMs;
    }
    this.#last = { atMs: nowMs, cursor, end };
  }

  /** Since when nothing of what waits can have been there; null where it may have been for longer. */
  get youngerThanMs(): number | null {
    return this.#youngerThanMs;
  }

  /** When the cursor last moved, or was last seen at the end of the log. */
  get movedMs(): number {
    const movedMs = Math.max(this.#movedMs, this.#caughtUpMs);
    return Number.isFinite(movedMs) ? movedMs : this.firstMs;
  }

  /** For how long the cursor has stood although records wait; 0 where none does. */
  standsMs(nowMs: number, oldestAppendedMs: number | null): number {
    if (this.#waitingMs === null) return 0;
    return nowMs - Math.max(this.movedMs, oldestAppendedMs ?? this.#waitingMs);
  }

  /** For how long this condition has been found at every look; another one, or none, begins anew. */
  lastsMs(nowMs: number, condition: string | null): number {
    if (condition === null) this.#condition = null;
    else if (this.#condition?.name !== condition) {
      this.#condition = { name: condition, sinceMs: nowMs };
    }
    return this.#condition === null ? 0 : nowMs - this.#condition.sinceMs;
  }
}

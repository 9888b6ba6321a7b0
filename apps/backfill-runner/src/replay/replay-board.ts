import type { Replay } from './runs/find-replays.ts';

export interface ReplayProgress {
  readonly offsetsDone: number;
  readonly offsetsTotal: number;
  /** Records read by this process. */
  readonly records: number;
  readonly elapsedMs: number;
  readonly waitsFor: ReplayWait | null;
}

/** Why a replay does not move just now; `other workers`: they hold all that is left. */
export type ReplayWait = 'ingest' | 'resume' | 'other workers';

interface Standing {
  readonly first: number;
  readonly end: number;
  next: number;
}

/** Where all partitions of a run stand, as far as this process knows, for who watches it. */
export class ReplayBoard {
  readonly #onProgress: (progress: ReplayProgress) => void;
  readonly #startedMs = performance.now();
  /** By source id. */
  readonly #standings = new Map<number, Standing>();
  #records = 0;
  /** Workers of this process that have a partition in hand. */
  #atWork = 0;

  constructor(onProgress: (progress: ReplayProgress) => void) {
    this.#onProgress = onProgress;
  }

  /** What the database says, of the partitions of other processes too. */
  learn({ partitions }: Replay): void {
    for (const { sourceId, first, end, next } of partitions) {
      const known = this.#standings.get(sourceId)?.next ?? next;
      this.#standings.set(sourceId, { first, end, next: Math.max(known, next) });
    }
  }

  /** A worker of this process took a partition in hand. */
  took(): void {
    this.#atWork += 1;
  }

  /** ... and let go of it. */
  gave(): void {
    this.#atWork -= 1;
  }

  /** A batch of ours is committed. */
  reached(sourceId: number, next: number, records: number): void {
    const standing = this.#standings.get(sourceId);
    if (standing !== undefined) standing.next = next;
    this.#records += records;
    this.#tell(null);
  }

  /** A worker waits; for others only where none of this process moves. */
  waits(waitsFor: ReplayWait): void {
    if (waitsFor !== 'other workers' || this.#atWork === 0) this.#tell(waitsFor);
  }

  #tell(waitsFor: ReplayWait | null): void {
    let [offsetsDone, offsetsTotal] = [0, 0];
    for (const { first, end, next } of this.#standings.values()) {
      offsetsDone += next - first;
      offsetsTotal += end - first;
    }
    const elapsedMs = performance.now() - this.#startedMs;
    this.#onProgress({ offsetsDone, offsetsTotal, records: this.#records, elapsedMs, waitsFor });
  }
}

import { releaseSources } from '@adtally/db';
import type { HeldLane } from '@adtally/letters';
import { pause } from '@adtally/pacing';
import type { SourceClaim, WriterLink } from '@adtally/pipeline';
import type { Logger } from '@adtally/telemetry';
import { Turns } from './turns.ts';

export interface LanesParts {
  /** The retries' own: its session is the backend that the lanes' cursors name. */
  readonly link: WriterLink;
  readonly log: Logger;
}

/** A lane's source, claimed: its offsets are the numbers of its tries. */
export type Lane = SourceClaim & HeldLane;

/** How long the group's answer waits for a batch of tries in hand: whoever comes next can end it as well. */
const RELEASE_WAIT_MS = 1_000;

/**
 * The retries of a DLQ partition's letters are a source of their own, claimed by whoever the group grants
 * the partition: also where the copying of that partition stands still.
 */
export class Lanes {
  /** A batch of tries and a goodbye share the session: each in its turn. */
  readonly turns = new Turns();
  readonly #parts: LanesParts;
  readonly #held = new Map<number, Lane>();

  constructor(parts: LanesParts) {
    this.#parts = parts;
  }

  get held(): Lane[] {
    return [...this.#held.values()];
  }

  get(lane: number): Lane | undefined {
    return this.#held.get(lane);
  }

  hold(lane: Lane): void {
    this.#held.set(lane.lane, lane);
  }

  /** These are not ours any more; where the group still grants them they are claimed again. */
  lose(lanes: Iterable<Lane>): void {
    for (const lost of lanes) {
      if (this.#held.get(lost.lane) === lost) this.#held.delete(lost.lane);
    }
  }

  /** Whatever was begun under our claims is given up: all are claimed anew. */
  loseAll(): void {
    this.#held.clear();
  }

  /**
   * An orderly goodbye, so that the next claim has nobody to evict. Waits for the tries in hand, but not for a
   * database that is slow to take them.
   */
  async release(partitions: readonly number[]): Promise<void> {
    const { link, log } = this.#parts;
    const going = this.held.filter(({ lane }) => partitions.includes(lane));
    this.lose(going);
    if (going.length === 0) return;
    const over = new AbortController();
    const released = this.turns
      .take(async () => {
        if (link.isConnected)
          await releaseSources(await link.session(AbortSignal.timeout(0)), going);
      })
      .catch((error: unknown) => log.warn({ err: error }, 'lanes could not be released in order'))
      .finally(() => over.abort());
    await Promise.race([released, pause(RELEASE_WAIT_MS, over.signal)]);
  }
}

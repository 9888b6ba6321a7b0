import { claimSource, releaseSources, registerRetries, type Database } from '@adtally/db';
import { endLapsedTries, type HeldLane } from '@adtally/letters';
import type { KafkaAdmin } from '@adtally/kafka';
import {
  CursorWatch,
  type ClaimMetrics,
  type SourceClaim,
  type WriterLink,
} from '@adtally/pipeline';
import type { Logger } from '@adtally/telemetry';

export interface LanesParts {
  readonly admin: KafkaAdmin;
  readonly db: Database;
  readonly link: WriterLink;
  readonly metrics: ClaimMetrics;
  readonly log: Logger;
}

export interface LanesOptions {
  readonly dlqTopic: string;
  readonly eventsTopic: string;
  readonly owner: string;
  /** How often the lanes held are compared with the database. */
  readonly compareEveryMs: number;
}

/** A lane's source, claimed: its offsets are the numbers of its tries. */
export type Lane = SourceClaim & HeldLane;

/**
 * The retries of a DLQ partition's letters are a source of their own, claimed by whoever the group grants
 * the partition: also where the copying of that partition stands still.
 */
export class Lanes {
  readonly cursors: CursorWatch<Lane>;
  readonly #parts: LanesParts;
  readonly #options: LanesOptions;
  readonly #held = new Map<number, Lane>();

  constructor(parts: LanesParts, options: LanesOptions) {
    this.#parts = parts;
    this.#options = options;
    this.cursors = new CursorWatch({ ...parts, claims: () => this.held }, options.compareEveryMs);
  }

  get held(): Lane[] {
    return [...this.#held.values()];
  }

  get(lane: number): Lane | undefined {
    return this.#held.get(lane);
  }

  /**
   * Claims what is granted and not held; tries that a former owner had begun end there. Returns whether
   * it claimed any.
   */
  async claim(granted: ReadonlySet<number>, signal: AbortSignal): Promise<boolean> {
    for (const lost of this.cursors.take().keys()) {
      if (this.#held.get(lost.lane) === lost) this.#held.delete(lost.lane);
    }
    const missing = [...granted].filter((lane) => !this.#held.has(lane));
    if (missing.length === 0) return false;
    const { admin, db, link, log } = this.#parts;
    const { dlqTopic, eventsTopic, owner } = this.#options;
    const described = await admin.describeTopic(dlqTopic);
    if (described === null) return false; // the loop says so
    const sources = await registerRetries(db, {
      topic: dlqTopic,
      topicId: described.topicId,
      partitions: described.partitions.length,
    });
    const session = await link.session(signal);
    for (const partition of missing) {
      const sourceId = sources.get(partition);
      if (sourceId === undefined) continue; // metadata lags behind the group
      const { nextOffset, epoch } = await claimSource(session, sourceId, owner, {
        of: { partition, topic: dlqTopic },
      });
      const lane: Lane = { lane: partition, sourceId, epoch, committedOffset: nextOffset };
      const lapsed = await endLapsedTries(session, eventsTopic, [lane]);
      this.#held.set(partition, lane);
      log.info({ lane: partition, epoch, lapsed }, 'lane claimed');
    }
    return true;
  }

  /** These sources are not ours any more; where the group still grants them we claim again. */
  lose(sourceIds: readonly number[]): void {
    for (const lane of this.held) {
      if (sourceIds.includes(lane.sourceId)) this.#held.delete(lane.lane);
    }
  }

  /** Whatever was begun under our claims is given up: claim all anew. */
  loseAll(): void {
    this.#held.clear();
  }

  /** An orderly goodbye, so that the next claim has nobody to evict. */
  async release(lanes: readonly number[]): Promise<void> {
    const { link, log } = this.#parts;
    const going = this.held.filter(({ lane }) => lanes.includes(lane));
    for (const { lane } of going) this.#held.delete(lane);
    if (going.length === 0 || !link.isConnected) return;
    try {
      await releaseSources(await link.session(AbortSignal.timeout(0)), going);
    } catch (error) {
      log.warn({ err: error }, 'lanes could not be released in order');
    }
  }
}

import {
  claimSource,
  clearTheWay,
  registerRetries,
  releaseSources,
  type Database,
} from '@adtally/db';
import { KafkaRequestError, type KafkaAdmin } from '@adtally/kafka';
import { endLapsedTries } from '@adtally/letters';
import { backoffMs, RepeatedWords } from '@adtally/pacing';
import {
  isPassing,
  reasonOf,
  WaitingError,
  type WaitReason,
  type WriterLink,
} from '@adtally/pipeline';
import type { Logger } from '@adtally/telemetry';
import type { Lane, Lanes } from './lanes.ts';

export interface LaneClaimsParts {
  /** The claims' own: a request that no broker answers holds up those behind it. */
  readonly admin: KafkaAdmin;
  readonly db: Database;
  readonly link: WriterLink;
  readonly lanes: Lanes;
  readonly granted: () => ReadonlySet<number>;
  readonly log: Logger;
}

export interface LaneClaimsOptions {
  readonly dlqTopic: string;
  readonly eventsTopic: string;
  readonly owner: string;
}

interface WaitingLane {
  readonly sinceMs: number;
  failures: number;
  dueMs: number;
  /** Null until something was found that keeps it. */
  reason: WaitReason | null;
}

const AGAIN_FIRST_MS = 100;
const AGAIN_LAST_MS = 5_000;
/** Nobody is left to wait for once a claim is prepared, but for a former owner that came back meanwhile. */
const CLAIM_WAIT_MS = 500;

/**
 * Turns granted partitions into lanes we hold. Whatever may wait, for a broker, a lock or the former owner's
 * end, is done by `prepare`, beside the retries; the claim itself is made between two batches of tries, on the
 * session that will write them (ADR 20).
 */
export class LaneClaims {
  readonly #parts: LaneClaimsParts;
  readonly #options: LaneClaimsOptions;
  readonly #waiting = new Map<number, WaitingLane>();
  /** Source ids of lanes that nothing is known to keep from being claimed. */
  readonly #ready = new Map<number, number>();
  readonly #words = new RepeatedWords();

  constructor(parts: LaneClaimsParts, options: LaneClaimsOptions) {
    this.#parts = parts;
    this.#options = options;
  }

  /** True when `takeUp` has something to do. */
  get hasPrepared(): boolean {
    return this.#ready.size > 0;
  }

  /** Lanes that are granted and not held, and why. */
  get waiting(): { lane: number; reason: WaitReason | null; sinceMs: number }[] {
    return [...this.#waiting].map(([lane, { reason, sinceMs }]) => ({ lane, reason, sinceMs }));
  }

  /** Prepares the claims that are due. Throws only what nobody can wait out. */
  async prepare(): Promise<void> {
    const due = this.#due(performance.now());
    if (due.length === 0) return;
    try {
      await this.#prepare(due);
    } catch (error) {
      if (!isWaitedFor(error)) throw error;
      for (const lane of due) this.#putOff(lane, reasonOf(error));
    }
  }

  /** Claims what is prepared; tries that a former owner had begun end there. Returns how many it claimed. */
  async takeUp(signal: AbortSignal): Promise<number> {
    const ready = [...this.#ready];
    this.#ready.clear();
    let claimed = 0;
    for (const [lane, sourceId] of ready) {
      // Prepared once more while it was being claimed.
      if (this.#parts.lanes.get(lane) !== undefined) continue;
      try {
        if (await this.#claim(lane, sourceId, signal)) claimed += 1;
      } catch (error) {
        if (!isPassing(error)) throw error;
        this.#putOff(lane, reasonOf(error));
      }
    }
    return claimed;
  }

  #due(nowMs: number): number[] {
    const { granted, lanes } = this.#parts;
    const missing = [...granted()].filter((lane) => lanes.get(lane) === undefined);
    for (const lane of this.#waiting.keys()) {
      if (!missing.includes(lane)) this.#waiting.delete(lane);
    }
    for (const lane of missing) {
      if (this.#waiting.has(lane)) continue;
      this.#waiting.set(lane, { sinceMs: nowMs, failures: 0, dueMs: nowMs, reason: null });
    }
    return missing.filter(
      (lane) => !this.#ready.has(lane) && (this.#waiting.get(lane)?.dueMs ?? 0) <= nowMs,
    );
  }

  async #prepare(due: readonly number[]): Promise<void> {
    const { admin, db } = this.#parts;
    const { dlqTopic, owner } = this.#options;
    const described = await admin.describeTopic(dlqTopic);
    if (described === null) {
      const detail = `topic ${dlqTopic} does not exist`;
      throw new WaitingError({ code: 'topic_missing', detail });
    }
    const sources = await registerRetries(db, {
      topic: dlqTopic,
      topicId: described.topicId,
      partitions: described.partitions.length,
    });
    const known = due.flatMap((lane) => sources.get(lane) ?? []);
    const obstacles = await clearTheWay(db, known, owner);
    for (const lane of due) {
      const sourceId = sources.get(lane);
      if (sourceId === undefined) {
        // Metadata may lag behind the group: look again.
        const detail = `the broker describes ${dlqTopic} without partition ${lane}, which the group grants`;
        this.#putOff(lane, { code: 'partition_unknown', detail });
        continue;
      }
      const obstacle = obstacles.get(sourceId);
      if (obstacle === undefined) this.#ready.set(lane, sourceId);
      else this.#putOff(lane, { code: obstacle.kind, detail: obstacle.detail });
    }
  }

  async #claim(partition: number, sourceId: number, signal: AbortSignal): Promise<boolean> {
    const { link, lanes, granted, log } = this.#parts;
    const { dlqTopic, eventsTopic, owner } = this.#options;
    const session = await link.session(signal);
    // Opening one may have taken long: a claim would end the session of whoever has the lane by now.
    if (!granted().has(partition)) return false;
    const { nextOffset, epoch } = await claimSource(session, sourceId, owner, {
      waitMs: CLAIM_WAIT_MS,
      of: { partition, topic: dlqTopic },
    });
    const lane: Lane = { lane: partition, sourceId, epoch, committedOffset: nextOffset };
    if (!granted().has(partition)) {
      await releaseSources(session, [lane]);
      return false;
    }
    const lapsed = await endLapsedTries(session, eventsTopic, [lane]);
    // It may have been taken away while the database answered: a later claim evicts us.
    if (!granted().has(partition)) return false;
    lanes.hold(lane);
    this.#waiting.delete(partition);
    this.#words.end(String(partition));
    log.info({ lane: partition, epoch, lapsed }, 'lane claimed');
    return true;
  }

  #putOff(lane: number, reason: WaitReason): void {
    const nowMs = performance.now();
    const waiting = this.#waiting.get(lane) ?? { sinceMs: nowMs, failures: 0 };
    const failures = waiting.failures + 1;
    const dueMs = nowMs + backoffMs(failures, AGAIN_FIRST_MS, AGAIN_LAST_MS);
    this.#waiting.set(lane, { sinceMs: waiting.sinceMs, failures, dueMs, reason });
    if (!this.#words.isDue(String(lane), reason.code, nowMs)) return;
    const fields = { lane, reason: reason.code, detail: reason.detail, failures };
    this.#parts.log.warn(fields, 'lane could not be claimed yet');
  }
}

/** Also a right that Kafka refuses: somebody may grant it, and the reason is told meanwhile. */
function isWaitedFor(error: unknown): boolean {
  return error instanceof WaitingError || error instanceof KafkaRequestError || isPassing(error);
}

import { rejectedRows } from '@adtally/db';
import type { EventBatch, RejectionCode } from '@adtally/event-schema';
import type { GroupConsumer } from '@adtally/kafka';
import type { Logger } from '@adtally/telemetry';
import type { Admission, BatchWork, OwnedPartition, Ownership } from '@adtally/pipeline';
import type { IngestMetrics } from '../metrics.ts';
import type { BreakerAlerts } from './breaker-alerts.ts';
import { RecentRejections } from './recent-rejections.ts';
import {
  RejectionBreaker,
  type BreakerChange,
  type BreakerForce,
  type BreakerSettings,
} from './rejection-breaker.ts';

export interface BreakersParts {
  readonly consumer: Pick<GroupConsumer, 'start' | 'stop' | 'hasRebalance'>;
  readonly ownership: Ownership;
  readonly alerts: Pick<BreakerAlerts, 'report' | 'lookForLeftFiring' | 'leftFiring'>;
  readonly metrics: IngestMetrics;
  readonly log: Logger;
}

/** One partition's breaker, as `GET /breaker` shows it. */
export interface BreakerStatus {
  readonly partition: number;
  readonly state: 'open' | 'closed';
  readonly force: BreakerForce;
  /** Not read at this moment, until its rate allows it. */
  readonly resting: boolean;
  readonly rejected_share: number;
  readonly rejected: number;
  readonly records: number;
  readonly codes: Readonly<Partial<Record<RejectionCode, number>>>;
}

interface Entry {
  readonly owned: OwnedPartition;
  readonly breaker: RejectionBreaker;
  readonly recent: RecentRejections;
  readonly claimedAtMs: number;
  /** The allowance it was given before this fetch. */
  given: number;
  /** Not read; goes on at `readOffset`. */
  isResting: boolean;
  /** The client delivered records past `readOffset`: nothing more may be let through before a rest. */
  isAhead: boolean;
}

/** Claimed and closed for so long, even a partition too quiet to fill a window ends an alert left firing. */
const LEFT_FIRING_MS = 60_000;

/**
 * The rejection breakers of the owned partitions: says before each fetch how much of each partition may be
 * let through, learns after it what was rejected, and rests a partition that used up its allowance. A
 * resting partition is not read at all and goes on at `readOffset`, so its offsets stay contiguous.
 *
 * A breaker belongs to a claim: whoever claims a partition begins with a closed one. Its calls come from the
 * loop alone; `force` and `status` come from outside and change nothing but a note.
 */
export class PartitionBreakers implements Admission {
  readonly #parts: BreakersParts;
  readonly #settings: BreakerSettings;
  /** By source id. */
  readonly #entries = new Map<number, Entry>();
  /** What operators want, by partition; outlives claims, not the process. */
  readonly #forces = new Map<number, BreakerForce>();

  constructor(parts: BreakersParts, settings: BreakerSettings) {
    this.#parts = parts;
    this.#settings = settings;
  }

  beforeFetch(nowMs: number): void {
    const { ownership, metrics } = this.#parts;
    for (const [sourceId, { owned }] of this.#entries) {
      if (ownership.isCurrent(owned)) continue;
      this.#entries.delete(sourceId);
      this.#parts.alerts.leftFiring.delete(owned.partition);
      metrics.breakerOpen.remove({ partition: String(owned.partition) });
    }
    for (const owned of ownership.allOwned()) {
      const entry = this.#entries.get(owned.sourceId) ?? this.#adopt(owned, nowMs);
      const force = this.#forces.get(owned.partition) ?? 'auto';
      if (force !== entry.breaker.force) {
        this.#announce(entry, entry.breaker.setForce(force, nowMs));
      }
      this.#announce(entry, entry.breaker.settle(nowMs));
      this.#steer(entry, nowMs);
      entry.given = owned.allowance;
      this.#endLeftFiring(entry, nowMs);
    }
  }

  hold(owned: OwnedPartition): void {
    const entry = this.#entries.get(owned.sourceId);
    if (entry === undefined || entry.isAhead) return;
    entry.isAhead = true;
  }

  afterClassify(work: BatchWork, fromRow: number, nowMs: number): void {
    const { batch } = work;
    const hasRejections = batch.rejections.size > work.rejectedAtFill;
    work.rejectedAtFill = batch.rejections.size;
    if (hasRejections) this.#addRows(batch, fromRow);
    for (const entry of this.#entries.values()) {
      const read = entry.given - entry.owned.allowance;
      if (read === 0 && !entry.isAhead) continue;
      entry.given = entry.owned.allowance;
      entry.breaker.take(read);
      if (!hasRejections) entry.breaker.addGood(read);
      this.#announce(entry, entry.breaker.settle(nowMs));
      this.#steer(entry, nowMs);
    }
  }

  afterCommit(work: BatchWork): void {
    const { batch } = work;
    if (batch.rejections.size === work.rejectedAtFill) return;
    // Rejections keep the order in which they came.
    const early = new Set([...batch.rejections.keys()].slice(0, work.rejectedAtFill));
    const rejected = new Map<Entry, number[]>();
    for (const row of rejectedRows(batch)) {
      const rejection = batch.rejections.get(row);
      const entry = this.#entries.get(batch.sourceId[row] as number);
      if (early.has(row) || rejection === undefined || entry === undefined) continue;
      // The next call of beforeFetch settles it: a fetch may be in flight.
      entry.breaker.turnOneBad(rejection.code);
      addTo(rejected, entry, row);
    }
    for (const [{ recent }, rows] of rejected) recent.note(batch, rows);
  }

  /**
   * An operator's word for one owned partition, or all of them (null): carried out within the loop's next
   * turn, valid for this process's life. Returns the partitions concerned; none where not owned here.
   */
  force(force: BreakerForce, partition: number | null): number[] {
    const owned = this.#parts.ownership.allOwned().map((one) => one.partition);
    const meant = partition === null ? owned : owned.filter((one) => one === partition);
    for (const one of meant) this.#forces.set(one, force);
    this.#parts.log.warn({ force, partitions: meant }, 'rejection breaker forced by an operator');
    return meant;
  }

  /** The state of every owned partition's breaker. */
  status(): BreakerStatus[] {
    return [...this.#entries.values()]
      .filter(({ owned }) => this.#parts.ownership.isCurrent(owned))
      .map(({ owned: { partition }, breaker, isResting }) => {
        const { share, rejected, records, codes } = breaker.figures();
        return {
          partition,
          state: breaker.isOpen ? ('open' as const) : ('closed' as const),
          force: this.#forces.get(partition) ?? 'auto',
          resting: isResting,
          rejected_share: share,
          rejected,
          records,
          codes,
        };
      })
      .toSorted((left, right) => left.partition - right.partition);
  }

  #adopt(owned: OwnedPartition, nowMs: number): Entry {
    const { alerts, metrics, ownership } = this.#parts;
    const entry: Entry = {
      owned,
      breaker: new RejectionBreaker(this.#settings),
      recent: new RecentRejections(),
      claimedAtMs: nowMs,
      given: 0,
      isResting: false,
      isAhead: false,
    };
    this.#entries.set(owned.sourceId, entry);
    metrics.breakerOpen.set(0, { partition: String(owned.partition) });
    alerts.lookForLeftFiring(owned.partition, () => ownership.isCurrent(owned));
    return entry;
  }

  /** Row by row, in the order of offsets: the breaker must see which record tipped the scale. */
  #addRows(batch: EventBatch, fromRow: number): void {
    const rejected = new Map<Entry, number[]>();
    for (let row = fromRow; row < batch.count; row += 1) {
      const entry = this.#entries.get(batch.sourceId[row] as number);
      if (entry === undefined) continue;
      const rejection = batch.rejections.get(row);
      if (rejection === undefined) entry.breaker.addGood(1);
      else {
        entry.breaker.addRejected(rejection.code);
        addTo(rejected, entry, row);
      }
    }
    for (const [{ recent }, rows] of rejected) recent.note(batch, rows);
  }

  /** Sets the allowance; rests the partition where that is 0, and ends its rest when it is due. */
  #steer(entry: Entry, nowMs: number): void {
    const { owned, breaker } = entry;
    const { consumer, ownership } = this.#parts;
    owned.allowance = entry.isAhead ? 0 : breaker.allowance(nowMs);
    // A change of the reading position could end a revocation on its way before the loop sees it.
    if (consumer.hasRebalance || !ownership.isCurrent(owned)) return;
    if (!entry.isResting && owned.allowance === 0) {
      consumer.stop(owned.partition);
      entry.isAhead = false;
      entry.isResting = true;
    } else if (entry.isResting && breaker.isWorthReading(nowMs)) {
      consumer.start(owned.partition, owned.readOffset, { topicId: owned.topicId });
      entry.isResting = false;
    }
  }

  #announce(entry: Entry, change: BreakerChange | null): void {
    if (change === null) return;
    const { alerts, metrics, log, ownership } = this.#parts;
    const { partition } = entry.owned;
    const { to, cause, figures } = change;
    metrics.breakerOpen.set(to === 'open' ? 1 : 0, { partition: String(partition) });
    const causes = to === 'open' ? entry.recent.causes(figures.rejected) : [];
    const facts = { partition, cause, ...figures, causes };
    if (to === 'open') {
      metrics.breakerOpenings.add(1, { cause });
      const { recordsPerSecond } = this.#settings;
      log.warn({ ...facts, recordsPerSecond }, 'rejection breaker opened: partition is slowed');
    } else {
      log.info(facts, 'rejection breaker closed: partition is read at full speed');
    }
    alerts.report(partition, change, () => ownership.isCurrent(entry.owned), causes);
  }

  /** An alert left firing ends once the partition has shown that it needs none, or a minute has passed. */
  #endLeftFiring({ owned, breaker, claimedAtMs }: Entry, nowMs: number): void {
    const { alerts, ownership } = this.#parts;
    if (!alerts.leftFiring.has(owned.partition) || breaker.isOpen) return;
    if (!breaker.hasSeenWindow && nowMs - claimedAtMs < LEFT_FIRING_MS) return;
    alerts.report(owned.partition, 'late_end', () => ownership.isCurrent(owned));
  }
}

function addTo(rows: Map<Entry, number[]>, entry: Entry, row: number): void {
  const known = rows.get(entry);
  if (known === undefined) rows.set(entry, [row]);
  else known.push(row);
}

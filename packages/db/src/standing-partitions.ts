import type { DatabaseExecutor } from './database.ts';
import { readLag } from './partition-lag.ts';
import { listSources, type SourceStatus } from './sources.ts';

/** A partition that does not go on: what was not counted of it nobody knows by the ledger. */
export interface StandingPartition {
  readonly topic: string;
  readonly partition: number;
  /** Null for a partition nobody has claimed yet. */
  readonly sourceId: number | null;
  readonly kind: SourceStatus['kind'];
  /** `halted`: until an operator accepts the loss. `stuck`: records wait and the cursor does not move. */
  readonly state: 'halted' | 'stuck';
  readonly code: string;
  readonly detail: string;
  /** The offset it stands at; null where none can be named. */
  readonly offset: number | null;
  /** Where reading goes on once the loss is accepted; null where no offset can be named. */
  readonly resumeAt: number | null;
  readonly sinceMs: number;
}

export interface Standing {
  readonly partitions: readonly StandingPartition[];
  /** False where no leader has looked lately: which partitions are stuck nobody knows then, halts always. */
  readonly isStuckKnown: boolean;
}

/** What a leader found longer ago says nothing of now. */
const OBSERVED_MAX_MS = 20_000;
/** A halt's code where the leader tells of it: the cursor says more. */
const HALTED = 'halted';

/** Every partition that is halted, by the cursors, or stuck, as the leader last found. */
export async function standingPartitions(db: DatabaseExecutor): Promise<Standing> {
  const halted = (await listSources(db)).flatMap((source): StandingPartition[] => {
    const { topic, partition, sourceId, kind, haltedCode, haltedAt } = source;
    if (haltedCode === null || haltedAt === null || source.closedAt !== null) return [];
    return [
      {
        topic,
        partition,
        sourceId,
        kind,
        state: 'halted',
        code: haltedCode,
        detail: source.haltedDetail ?? '',
        offset: Number(source.nextOffset),
        resumeAt: source.haltedResumeAt === null ? null : Number(source.haltedResumeAt),
        sinceMs: haltedAt.getTime(),
      },
    ];
  });
  const observed = (await readLag(db)).filter((one) => one.observedMsAgo <= OBSERVED_MAX_MS);
  const nowMs = Date.now();
  const stuck = observed.flatMap((one): StandingPartition[] => {
    if (one.stuck === null || one.stuck.code === HALTED) return [];
    const { topic, partition, sourceId, kind } = one;
    const { code, detail, forMs } = one.stuck;
    const offset = one.nextOffset;
    const sinceMs = nowMs - forMs;
    return [
      {
        topic,
        partition,
        sourceId,
        kind,
        state: 'stuck',
        code,
        detail,
        offset,
        resumeAt: null,
        sinceMs,
      },
    ];
  });
  return { partitions: [...halted, ...stuck], isStuckKnown: observed.length > 0 };
}

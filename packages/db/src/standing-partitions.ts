import { sql } from 'kysely';
import type { DatabaseExecutor } from './database.ts';
import { LAG_STALE_MS } from './partition-lag.ts';
import type { SourceKind } from './schema.ts';

/** A partition that does not go on: what was not counted of it nobody knows by the ledger. */
export interface StandingPartition {
  readonly topic: string;
  readonly partition: number;
  /** Null for a partition nobody has claimed yet. */
  readonly sourceId: number | null;
  readonly kind: SourceKind;
  /** `halted`: until an operator accepts the loss. `stuck`: records wait and the cursor does not move. */
  readonly state: 'halted' | 'stuck';
  readonly code: string;
  readonly detail: string;
  /** The offset it stands at; null where none can be named. */
  readonly offset: number | null;
  /** Where reading goes on once the loss is accepted; null where no offset can be named. */
  readonly resumeAt: number | null;
  /** By the server's clock. */
  readonly sinceMs: number;
}

export interface Standing {
  readonly partitions: readonly StandingPartition[];
  /** False where no leader has looked lately: which partitions are stuck nobody knows then, halts always. */
  readonly isStuckKnown: boolean;
}

/** A halt's code where the leader tells of it: the cursor says more. */
const HALTED = 'halted';

/** Every partition that is halted, by the cursors, or stuck, as the leader last found. */
export async function standingPartitions(db: DatabaseExecutor): Promise<Standing> {
  const halted = await haltedPartitions(db);
  const observed = await db
    .selectFrom('partition_lag')
    .selectAll()
    .where(
      'observed_at',
      '>',
      sql<Date>`clock_timestamp() - ${sql.lit(LAG_STALE_MS)} * interval '1 millisecond'`,
    )
    .orderBy('kind')
    .orderBy('topic')
    .orderBy('partition')
    .execute();
  const stuck = observed.flatMap((row): StandingPartition[] => {
    if (row.stuck_code === null || row.stuck_code === HALTED) return [];
    return [
      {
        topic: row.topic,
        partition: row.partition,
        sourceId: row.source_id,
        kind: row.kind,
        state: 'stuck',
        code: row.stuck_code,
        detail: row.stuck_detail ?? '',
        offset: numberOf(row.next_offset),
        resumeAt: null,
        sinceMs: row.stuck_since?.getTime() ?? 0,
      },
    ];
  });
  return { partitions: [...halted, ...stuck], isStuckKnown: observed.length > 0 };
}

async function haltedPartitions(db: DatabaseExecutor): Promise<StandingPartition[]> {
  const rows = await db
    .selectFrom('sources as s')
    .innerJoin('cursors as c', 'c.source_id', 's.source_id')
    .select([
      's.topic',
      's.partition',
      's.source_id as sourceId',
      's.kind',
      'c.halted_code',
      'c.halted_detail',
      'c.halted_at',
      'c.halted_resume_at',
      'c.next_offset',
    ])
    .where('c.halted_code', 'is not', null)
    .where('s.closed_at', 'is', null)
    .orderBy('s.kind')
    .orderBy('s.topic')
    .orderBy('s.partition')
    .orderBy('s.source_id')
    .execute();
  return rows.map(({ topic, partition, sourceId, kind, ...cursor }) => ({
    topic,
    partition,
    sourceId,
    kind,
    state: 'halted',
    code: cursor.halted_code ?? '',
    detail: cursor.halted_detail ?? '',
    offset: Number(cursor.next_offset),
    resumeAt: numberOf(cursor.halted_resume_at),
    sinceMs: cursor.halted_at?.getTime() ?? 0,
  }));
}

function numberOf(value: bigint | null): number | null {
  return value === null ? null : Number(value);
}

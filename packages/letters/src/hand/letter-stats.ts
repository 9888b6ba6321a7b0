import { sql } from 'kysely';
import type { Database, DeadLetterState } from '@adtally/db';
import { letterMatches, type LetterFilter } from './find-letters.ts';

type CountsByState = Readonly<Partial<Record<DeadLetterState, number>>>;

/** Letters of one cause. */
export interface LetterGroup {
  readonly fingerprint: string;
  readonly letters: number;
  readonly byState: CountsByState;
  /** Of its newest letter. */
  readonly code: string;
  readonly field: string;
  readonly message: string;
  readonly firstSeen: Date;
  readonly lastSeen: Date;
  /** Coordinate of its newest letter; `null` where that names none we know. */
  readonly sample: {
    readonly letterId: bigint;
    readonly topic: string | null;
    readonly partition: number | null;
    readonly offset: bigint;
  };
}

export interface LetterStats {
  readonly letters: number;
  readonly byState: CountsByState;
  /** The largest ones, largest first. */
  readonly groups: readonly LetterGroup[];
  /** All there are: more than `groups` where these are cut. */
  readonly groupCount: number;
}

interface GroupRow {
  readonly fingerprint: string;
  readonly letters: bigint;
  readonly by_state: CountsByState;
  readonly group_count: bigint;
  readonly code: string;
  readonly field: string;
  readonly message: string;
  readonly first_seen: Date;
  readonly last_seen: Date;
  readonly letter_id: bigint;
  readonly topic: string | null;
  readonly partition: number | null;
  readonly source_offset: bigint;
}

/**
 * Matching letters by state and by cause, in one snapshot. Without a filter it reads the index
 * `dead_letters_by_cause` alone, and two rows a cause: ids grow with time, so a cause's lowest and highest
 * id are its first and last letter.
 */
export async function letterStats(
  db: Database,
  filter: LetterFilter,
  { groups }: { readonly groups: number },
): Promise<LetterStats> {
  return await db
    .transaction()
    .setIsolationLevel('repeatable read')
    .setAccessMode('read only')
    .execute(async (trx) => {
      const states = await trx
        .selectFrom('dead_letters as l')
        .select((eb) => ['l.state', eb.fn.countAll<bigint>().as('letters')])
        .where(letterMatches(filter))
        .groupBy('l.state')
        .orderBy('l.state')
        .execute();
      const { rows } = await sql<GroupRow>`
        WITH counted AS (
          SELECT l.fingerprint, l.state, count(*) AS letters, min(l.letter_id) AS first_id, max(l.letter_id) AS last_id
          FROM dead_letters l WHERE ${letterMatches(filter)}
          GROUP BY l.fingerprint, l.state
        ), grouped AS (
          SELECT fingerprint, sum(letters)::bigint AS letters, jsonb_object_agg(state, letters) AS by_state,
                 min(first_id) AS first_id, max(last_id) AS last_id, count(*) OVER () AS group_count
          FROM counted GROUP BY fingerprint
          ORDER BY letters DESC, fingerprint LIMIT ${groups}
        )
        SELECT g.fingerprint, g.letters, g.by_state, g.group_count, z.last_code AS code, z.last_field AS field,
               z.last_message AS message, a.recorded_at AS first_seen, z.recorded_at AS last_seen, z.letter_id,
               s.topic, s.partition, z.source_offset
        FROM grouped g
        JOIN dead_letters a ON a.letter_id = g.first_id
        JOIN dead_letters z ON z.letter_id = g.last_id
        LEFT JOIN sources s ON s.source_id = z.source_id
        ORDER BY g.letters DESC, g.fingerprint`.execute(trx);
      const byState = states.map(({ state, letters }) => [state, Number(letters)] as const);
      return {
        letters: byState.reduce((sum, [, letters]) => sum + letters, 0),
        byState: Object.fromEntries(byState),
        groups: rows.map(groupOf),
        groupCount: Number(rows[0]?.group_count ?? 0),
      };
    });
}

function groupOf(row: GroupRow): LetterGroup {
  return {
    fingerprint: row.fingerprint,
    letters: Number(row.letters),
    byState: row.by_state,
    code: row.code,
    field: row.field,
    message: row.message,
    firstSeen: row.first_seen,
    lastSeen: row.last_seen,
    sample: {
      letterId: row.letter_id,
      topic: row.topic,
      partition: row.partition,
      offset: row.source_offset,
    },
  };
}

import { sql, type RawBuilder } from 'kysely';
import type { Database, DeadLetterState } from '@adtally/db';
import { letterMatches, type LetterFilter } from './find-letters.ts';

type CountsByState = Readonly<Partial<Record<DeadLetterState, number>>>;

/** Letters of one cause, or of what else they are grouped by. */
export interface LetterGroup {
  /** What the group has in common; empty by cause. */
  readonly facts: Readonly<Partial<Record<LetterFact, string>>>;
  /** Of its newest letter, unless it is what the group has in common; so are the next three. */
  readonly fingerprint: string;
  readonly letters: number;
  readonly byState: CountsByState;
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

/** What letters can be grouped by. */
export const LETTER_FACTS = ['code', 'field', 'version', 'source', 'campaign'] as const;
export type LetterFact = (typeof LETTER_FACTS)[number];

/** Their columns of `dead_letters l`; empty where a letter has none. */
const FACT_COLUMNS: Readonly<Record<LetterFact, RawBuilder<string>>> = {
  code: sql`l.last_code`,
  field: sql`l.last_field`,
  version: sql`coalesce(l.claimed_version, '')`,
  source: sql`coalesce(l.claimed_source, '')`,
  campaign: sql`coalesce(l.claimed_campaign, '')`,
};

interface GroupRow {
  readonly facts: readonly string[];
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
 * Matching letters by state and by cause, or by the facts named instead, in one snapshot. By cause and without a filter it reads the index
 * `dead_letters_by_cause` alone, and two rows a cause: ids grow with time, so a cause's lowest and highest
 * id are its first and last letter.
 */
export async function letterStats(
  db: Database,
  filter: LetterFilter,
  { groups, by = [] }: { readonly groups: number; readonly by?: readonly LetterFact[] },
): Promise<LetterStats> {
  const key =
    by.length === 0
      ? sql`l.fingerprint`
      : sql`ARRAY[${sql.join(by.map((fact) => FACT_COLUMNS[fact]))}]`;
  const facts = by.length === 0 ? sql`'{}'::text[]` : sql`g.key`;
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
          SELECT ${key} AS key, l.state, count(*) AS letters, min(l.letter_id) AS first_id, max(l.letter_id) AS last_id
          FROM dead_letters l WHERE ${letterMatches(filter)}
          GROUP BY key, l.state
        ), grouped AS (
          SELECT key, sum(letters)::bigint AS letters, jsonb_object_agg(state, letters) AS by_state,
                 min(first_id) AS first_id, max(last_id) AS last_id, count(*) OVER () AS group_count
          FROM counted GROUP BY key
          ORDER BY letters DESC, key LIMIT ${groups}
        )
        SELECT ${facts} AS facts, z.fingerprint, g.letters, g.by_state, g.group_count, z.last_code AS code, z.last_field AS field,
               z.last_message AS message, a.recorded_at AS first_seen, z.recorded_at AS last_seen, z.letter_id,
               s.topic, s.partition, z.source_offset
        FROM grouped g
        JOIN dead_letters a ON a.letter_id = g.first_id
        JOIN dead_letters z ON z.letter_id = g.last_id
        LEFT JOIN sources s ON s.source_id = z.source_id
        ORDER BY g.letters DESC, g.key`.execute(trx);
      const byState = states.map(({ state, letters }) => [state, Number(letters)] as const);
      return {
        letters: byState.reduce((sum, [, letters]) => sum + letters, 0),
        byState: Object.fromEntries(byState),
        groups: rows.map((row) => groupOf(row, by)),
        groupCount: Number(rows[0]?.group_count ?? 0),
      };
    });
}

function groupOf(row: GroupRow, by: readonly LetterFact[]): LetterGroup {
  return {
    facts: Object.fromEntries(by.map((fact, index) => [fact, row.facts[index]])),
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

import { sql } from 'kysely';
import type { DatabaseExecutor } from '../database.ts';
import type { SourceKind } from '../schema.ts';
import { type JsonInteger, jsonInteger } from './json-integer.ts';

/** What the ledger says was done with the records of one source, or of all. */
export interface AuditCounts {
  readonly consumed: JsonInteger;
  readonly stored: JsonInteger;
  readonly duplicate: JsonInteger;
  readonly conflict: JsonInteger;
  readonly dead_lettered: JsonInteger;
  readonly gap: JsonInteger;
  readonly lost: JsonInteger;
  readonly purged: JsonInteger;
}

/** What became of the records of the events topics. */
export interface AuditTotals extends AuditCounts {
  /** Dead-letter references by error code. */
  readonly by_code: Readonly<Record<string, JsonInteger>>;
  /** What became of retries: `consumed` tries, of which `dead_lettered` failed again. */
  readonly redrive: AuditCounts;
  /** What replays of the events topics wrote: `stored` was new. */
  readonly replay: AuditCounts;
  /** Letters by state. */
  readonly letters: Readonly<Record<string, JsonInteger>>;
}

export interface AuditedSource extends AuditCounts {
  readonly source: number;
  readonly kind: string;
  readonly topic: string;
  readonly topic_id: string;
  readonly partition: number;
  readonly run: string;
  /** Where counting began; null where the genesis row is missing. */
  readonly genesis: JsonInteger | null;
  readonly next_offset: JsonInteger | null;
  readonly halted_code: string | null;
  readonly closed: boolean;
}

const COUNTS = [
  'consumed',
  'stored',
  'duplicate',
  'conflict',
  'dead_lettered',
  'gap',
  'lost',
  'purged',
] as const;
type Count = (typeof COUNTS)[number];

/** Sums of the ledger by source. */
export async function auditedSources(trx: DatabaseExecutor): Promise<AuditedSource[]> {
  const rows = await trx
    .selectFrom('sources as s')
    .leftJoin('cursors as c', 'c.source_id', 's.source_id')
    .leftJoin('ledger as l', 'l.source_id', 's.source_id')
    .select([
      's.source_id as source',
      's.kind',
      's.topic',
      's.topic_id',
      's.partition',
      's.run',
      sql<bigint | null>`min(l.end_offset) FILTER (WHERE l.first_offset IS NULL)`.as('genesis'),
      'c.next_offset',
      'c.halted_code',
      sql<boolean>`s.closed_at IS NOT NULL`.as('closed'),
    ])
    .select(
      COUNTS.map((count) =>
        sql<bigint>`coalesce(sum(${sql.ref(`l.${count}`)}), 0)::bigint`.as(count),
      ),
    )
    .groupBy(['s.source_id', 'c.source_id'])
    .orderBy('s.source_id')
    .execute();
  return rows.map((row) => ({
    ...row,
    ...counts((count) => row[count]),
    genesis: row.genesis === null ? null : jsonInteger(row.genesis),
    next_offset: row.next_offset === null ? null : jsonInteger(row.next_offset),
  }));
}

/** Sums over the sources of a kind, dead-letter references by code, letters by state. */
export async function auditTotals(
  trx: DatabaseExecutor,
  sources: readonly AuditedSource[],
): Promise<AuditTotals> {
  const codes = await trx
    .selectFrom('dead_letter_refs')
    .select((eb) => ['code', eb.fn.countAll<bigint>().as('records')])
    .groupBy('code')
    .orderBy('code')
    .execute();
  const letters = await trx
    .selectFrom('dead_letters')
    .select((eb) => ['state', eb.fn.countAll<bigint>().as('letters')])
    .groupBy('state')
    .orderBy('state')
    .execute();
  const sumOf = (kind: SourceKind) => (count: Count) =>
    sources
      .filter((source) => source.kind === kind)
      .reduce((total, source) => total + BigInt(source[count]), 0n);
  return {
    ...counts(sumOf('events')),
    by_code: Object.fromEntries(codes.map((row) => [row.code, jsonInteger(row.records)])),
    redrive: counts(sumOf('redrive')),
    replay: counts(sumOf('replay')),
    letters: Object.fromEntries(letters.map((row) => [row.state, jsonInteger(row.letters)])),
  };
}

function counts(of: (count: Count) => bigint): AuditCounts {
  return Object.fromEntries(
    COUNTS.map((count) => [count, jsonInteger(of(count))]),
  ) as unknown as AuditCounts;
}

import type { Database } from '@adtally/db';

/** What became of the records dead-lettered under one code. */
export interface Letters {
  readonly deadLettered: bigint;
  readonly resolved: bigint;
  readonly dead: bigint;
  readonly pending: bigint;
  readonly discarded: bigint;
}

/** By the code of the reference: what a record was rejected with first. */
export async function readLetters(db: Database): Promise<Record<string, Letters>> {
  const rows = await db
    .selectFrom('dead_letter_refs as r')
    .leftJoin('dead_letters as l', (join) =>
      join
        .onRef('l.source_id', '=', 'r.source_id')
        .onRef('l.source_offset', '=', 'r.source_offset')
        .onRef('l.record_sha256', '=', 'r.record_sha256'),
    )
    .select(({ fn }) => [
      'r.code',
      fn.countAll<bigint>().as('deadLettered'),
      fn.countAll<bigint>().filterWhere('l.state', '=', 'resolved').as('resolved'),
      fn.countAll<bigint>().filterWhere('l.state', '=', 'dead').as('dead'),
      fn.countAll<bigint>().filterWhere('l.state', '=', 'pending').as('pending'),
      fn.countAll<bigint>().filterWhere('l.state', '=', 'discarded').as('discarded'),
    ])
    .groupBy('r.code')
    .orderBy('r.code')
    .execute();
  return Object.fromEntries(rows.map(({ code, ...letters }) => [code, letters]));
}

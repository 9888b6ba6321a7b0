import type { Client } from 'pg';

interface Row {
  readonly events: string;
  readonly consumed: string;
  readonly stored: string;
  readonly cursors: string;
  readonly halted: string;
}

/**
 * The cheap audit of a run whose every record is unique and valid, where a full one would take minutes: rows,
 * ledger and cursors all come to the number of records sent, and nothing is halted. Returns what is wrong.
 */
export async function recount(database: Client, records: number): Promise<string[]> {
  const { rows } = await database.query<Row>(
    `SELECT (SELECT count(*) FROM events) AS events,
            (SELECT coalesce(sum(consumed), 0) FROM ledger) AS consumed,
            (SELECT coalesce(sum(stored), 0) FROM ledger) AS stored,
            (SELECT coalesce(sum(next_offset), 0) FROM cursors) AS cursors,
            (SELECT count(*) FROM cursors WHERE halted_code IS NOT NULL) AS halted`,
  );
  const found = { ...rows[0] };
  return Object.entries({ ...found, halted: undefined })
    .filter(([, value]) => value !== undefined && Number(value) !== records)
    .map(([name, value]) => `${name}: expected ${records}, found ${value}`)
    .concat(Number(found.halted) === 0 ? [] : [`${found.halted} partitions are halted`]);
}

import { wholeAudit } from '@adtally/analytics';
import type { Database } from '@adtally/db';
import { sql } from 'kysely';
import { expect } from 'vitest';
import type { Holdings, Outcomes } from './books.ts';
import { horizonOf, type Life } from './life.ts';

/** Every check of the audit holds, and ledger and events are what producers were told: on this day, with what is dropped. */
export async function expectExact(life: Life, dayMs: number): Promise<void> {
  const { db, books } = life;
  const day = new Date(dayMs).toISOString().slice(0, 10);
  const audit = await wholeAudit(db, { rollups: { full: true } });
  expect(
    audit.checks.filter((check) => !check.ok),
    `the audit on ${day}`,
  ).toEqual([]);
  expect(await readOutcomes(db), `the ledger on ${day}`).toEqual(books.outcomes);
  expect(await readHoldings(db), `the events on ${day}`).toEqual(books.holdings(horizonOf(dayMs)));
}

/** Of records as the consumer found them; what was redriven or replayed adds to what is stored alone, copied letters to nothing. */
async function readOutcomes(db: Database): Promise<Outcomes> {
  const { rows } = await sql<{
    kind: string;
    stored: bigint;
    duplicate: bigint;
    conflict: bigint;
  }>`SELECT s.kind, sum(l.stored)::bigint AS stored, sum(l.duplicate)::bigint AS duplicate,
            sum(l.conflict)::bigint AS conflict
     FROM ledger l JOIN sources s USING (source_id) WHERE s.kind <> 'dlq' GROUP BY s.kind`.execute(
    db,
  );
  const consumer = rows.find(({ kind }) => kind === 'events');
  const letters = await sql<{
    code: string;
    letters: bigint;
  }>`SELECT code, count(*) AS letters FROM dead_letter_refs GROUP BY code ORDER BY code`.execute(
    db,
  );
  return {
    stored: rows.reduce((sum, { stored }) => sum + Number(stored), 0),
    duplicate: Number(consumer?.duplicate),
    conflict: Number(consumer?.conflict),
    rejected: Object.fromEntries(letters.rows.map((row) => [row.code, Number(row.letters)])),
  };
}

async function readHoldings(db: Database): Promise<Holdings> {
  const { rows } = await sql<{
    currency: string;
    rows: bigint;
    micros: string;
  }>`SELECT currency, count(*) AS rows, sum(amount_micros)::text AS micros
     FROM events GROUP BY currency ORDER BY currency COLLATE "C"`.execute(db);
  return {
    rows: rows.reduce((sum, one) => sum + Number(one.rows), 0),
    money: Object.fromEntries(rows.map(({ currency, micros }) => [currency, micros])),
  };
}

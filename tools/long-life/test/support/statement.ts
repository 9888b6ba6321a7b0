import { join } from 'node:path';
import { sql } from 'kysely';
import { expect } from 'vitest';
import { DAY_MS, type Life } from './life.ts';

/** A statement that is issued while all its events are there, and verified when its days are long gone. */
export interface IssuedStatement {
  readonly file: string;
  /** YYYY-MM */
  readonly month: string;
}

/** Issues that of the campaign with the most events, for the month of a day. */
export async function issueStatement(life: Life, dayMs: number): Promise<IssuedStatement> {
  const month = new Date(dayMs).toISOString().slice(0, 7);
  const { rows } = await sql<{
    id: string;
  }>`SELECT campaign_id AS id FROM events WHERE to_char(occurred_at AT TIME ZONE 'UTC', 'YYYY-MM') = ${month}
     GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 1`.execute(life.db);
  const file = join(life.folder, 'statement.json');
  const of = ['--campaign', rows[0]?.id ?? '', '--month', month];
  await life.succeed('ops', 'statement', ...of, '--out', file);
  return { file, month };
}

/** It cannot be verified while its days are gone, and is once they are back beside the events. */
export async function expectVerifiedOnceRestored(
  life: Life,
  { file, month }: IssuedStatement,
  droppedDays: readonly string[],
): Promise<void> {
  const before = await life.run('ops', 'statement', 'verify', file);
  expect(before.code, `${before.stdout}${before.stderr}`).not.toBe(0);
  for (const day of droppedDays.filter((dropped) => mayCount(dropped, month))) {
    const why = ['--reason', 'the statement is disputed'];
    await life.succeed('ops', 'archive', 'restore', '--day', day, ...why);
  }
  await life.succeed('ops', 'statement', 'verify', file);
}

/** Impressions of the month before decide how events of a month count. */
function mayCount(day: string, month: string): boolean {
  const nextMonthMs = Date.parse(`${month}-01`) + 32 * DAY_MS;
  return day < `${new Date(nextMonthMs).toISOString().slice(0, 7)}-01`;
}

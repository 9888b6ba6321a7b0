import { sql } from 'kysely';
import { expect } from 'vitest';
import { auditDatabase, type AuditOffence } from '../../src/audit/audit.ts';
import type { Database } from '../../src/database.ts';
import { migratedDatabase } from '../../testing/migrated-database.ts';
import { type CountedDatabase, countedDatabase } from '../counted-database.ts';

/** A change that no writer makes, done to a database of eight counted batches. */
export interface Tampering {
  readonly what: string;
  readonly statements: (counted: CountedDatabase) => string[];
  /** Every check that fails, and no other: the first offence it names. */
  readonly expected: (counted: CountedDatabase) => Record<string, Partial<AuditOffence>>;
}

/** Runs statements with triggers and foreign keys off: what no writer can do, a person or a bug may. */
export async function tamper(db: Database, ...statements: string[]): Promise<void> {
  await db.transaction().execute(async (trx) => {
    await sql`SET LOCAL session_replication_role = replica`.execute(trx);
    for (const statement of statements) await sql.raw(statement).execute(trx);
  });
}

/** The ids of the checks that fail, each with what it names. */
export async function caught(db: Database): Promise<Record<string, readonly AuditOffence[]>> {
  const report = await auditDatabase(db);
  expect(report.balanced).toBe(report.checks.every((check) => check.ok));
  return Object.fromEntries(
    report.checks.filter((check) => !check.ok).map((check) => [check.id, check.offending]),
  );
}

/** That exactly the checks a tampering names fail, each with the offence it names first. */
export async function expectCaught(tampering: Tampering): Promise<void> {
  await using database = await migratedDatabase();
  const { db } = database;
  const counted = await countedDatabase(db);
  await tamper(db, ...tampering.statements(counted));
  const found = await caught(db);
  const expected = tampering.expected(counted);
  expect(Object.keys(found)).toEqual(Object.keys(expected));
  for (const [id, offence] of Object.entries(expected)) {
    expect({ id, ...found[id]?.[0] }).toMatchObject({ id, ...offence });
  }
}

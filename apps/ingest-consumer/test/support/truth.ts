import { auditDatabase, type AuditReport } from '@adtally/db';
import type { Truth } from '@adtally/event-simulator';
import { sql } from 'kysely';
import { expect } from 'vitest';
import type { Stage } from './stage.ts';

/** What the database holds, in the words of the generator's truth. */
export async function found(stage: Stage) {
  const [totals] = (
    await sql<Record<'consumed' | 'stored' | 'duplicate' | 'conflict' | 'dead', bigint>>`
      SELECT sum(consumed)::bigint AS consumed, sum(stored)::bigint AS stored,
        sum(duplicate)::bigint AS duplicate, sum(conflict)::bigint AS conflict,
        sum(dead_lettered)::bigint AS dead FROM ledger`.execute(stage.db)
  ).rows;
  const types = await sql<{ name: string; count: bigint }>`
    SELECT event_type::text AS name, count(*) AS count FROM events GROUP BY 1`.execute(stage.db);
  const money = await sql<{ name: string; micros: string }>`
    SELECT currency AS name, sum(amount_micros)::text AS micros FROM events GROUP BY 1`.execute(
    stage.db,
  );
  const codes = await sql<{ name: string; count: bigint }>`
    SELECT code AS name, count(*) AS count FROM dead_letter_refs GROUP BY 1`.execute(stage.db);
  const numbers = (rows: { name: string; count: bigint }[]) =>
    Object.fromEntries(rows.map(({ name, count }) => [name, Number(count)]));
  return {
    acked: Number(totals?.consumed),
    unique: Number(totals?.stored),
    duplicate: Number(totals?.duplicate),
    conflict: Number(totals?.conflict),
    dead_lettered: numbers(codes.rows),
    money: Object.fromEntries(money.rows.map(({ name, micros }) => [name, micros])),
    by_event_type: numbers(types.rows),
  };
}

/** I8 and the audit: the database holds exactly what was produced. */
export async function expectExact(stage: Stage, ...truths: Truth[]): Promise<AuditReport> {
  const { acked, unique, duplicate, conflict, dead_lettered, money, by_event_type } = sum(truths);
  const truth = { acked, unique, duplicate, conflict, dead_lettered, money, by_event_type };
  expect(await found(stage)).toEqual(truth);
  return await expectBalanced(stage);
}

/** Every check of the audit holds. */
export async function expectBalanced(stage: Stage): Promise<AuditReport> {
  const report = await auditDatabase(stage.db);
  expect(report.checks.filter((check) => !check.ok)).toEqual([]);
  return report;
}

/** The truth of several runs with different seeds: they share no identity. */
export function sum(truths: readonly Truth[]): Truth {
  return truths.reduce((left, right) => ({
    attempted: left.attempted + right.attempted,
    acked: left.acked + right.acked,
    failed: left.failed + right.failed,
    unknown: left.unknown + right.unknown,
    unique: left.unique + right.unique,
    duplicate: left.duplicate + right.duplicate,
    conflict: left.conflict + right.conflict,
    misrouted: left.misrouted + right.misrouted,
    unknown_fields: left.unknown_fields + right.unknown_fields,
    late: left.late + right.late,
    dead_lettered: merge(left.dead_lettered, right.dead_lettered, (a, b) => a + b, 0),
    by_event_type: merge(left.by_event_type, right.by_event_type, (a, b) => a + b, 0),
    money: merge(left.money, right.money, (a, b) => String(BigInt(a) + BigInt(b)), '0'),
  }));
}

function merge<K extends string, V>(
  left: Readonly<Record<K, V>>,
  right: Readonly<Record<K, V>>,
  add: (left: V, right: V) => V,
  zero: V,
): Record<K, V> {
  const names = new Set([...Object.keys(left), ...Object.keys(right)] as K[]);
  return Object.fromEntries(
    [...names].map((name) => [name, add(left[name] ?? zero, right[name] ?? zero)]),
  ) as Record<K, V>;
}

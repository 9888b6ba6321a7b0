import { sql } from 'kysely';
import type { DatabaseExecutor } from '../database.ts';
import type { AuditScope } from '../schema/audit.ts';
import type { AuditCheckResult } from './audit.ts';

/** What a check last said, and when, by the server's clock. */
export interface AuditResult {
  readonly scope: AuditScope;
  readonly checkId: string;
  /** The first offence; null where it holds. */
  readonly offence: string | null;
  readonly checkedBy: string;
  readonly checkedAt: Date;
  readonly ageMs: number;
}

/** Writes down what checks said. Those of the scope that were not asked keep what they said last. */
export async function recordAudit(
  db: DatabaseExecutor,
  scope: AuditScope,
  checks: readonly AuditCheckResult[],
  checkedBy: string,
): Promise<void> {
  if (checks.length === 0) return;
  await db
    .insertInto('audit_results')
    .values(
      checks.map((check) => ({
        scope,
        check_id: check.id,
        holds: check.ok,
        offence: check.ok ? null : offenceOf(check),
        checked_by: checkedBy,
      })),
    )
    .onConflict((conflict) =>
      conflict.columns(['scope', 'check_id']).doUpdateSet((excluded) => ({
        holds: excluded.ref('excluded.holds'),
        offence: excluded.ref('excluded.offence'),
        checked_by: excluded.ref('excluded.checked_by'),
        checked_at: sql`clock_timestamp()`,
      })),
    )
    .execute();
}

/** How long ago, in ms, the audit of this scope was last run; null where it never was. */
export async function auditAgeMs(db: DatabaseExecutor, scope: AuditScope): Promise<number | null> {
  const { age } = await db
    .selectFrom('audit_results')
    .select(
      sql<number | null>`extract(epoch FROM clock_timestamp() - max(checked_at))::float8 * 1000`.as(
        'age',
      ),
    )
    .where('scope', '=', scope)
    .executeTakeFirstOrThrow();
  return age;
}

/** What every check last said, by scope and check. */
export async function auditResults(db: DatabaseExecutor): Promise<AuditResult[]> {
  const rows = await db
    .selectFrom('audit_results')
    .select([
      'scope',
      'check_id as checkId',
      'offence',
      'checked_by as checkedBy',
      'checked_at as checkedAt',
      sql<number>`extract(epoch FROM clock_timestamp() - checked_at)::double precision * 1000`.as(
        'ageMs',
      ),
    ])
    .orderBy('scope')
    .orderBy('check_id')
    .execute();
  return rows;
}

function offenceOf({ name, offending, more }: AuditCheckResult): string {
  const [first] = offending;
  if (first === undefined) return `not so: ${name}`;
  const source = first.source === null ? '' : `source ${first.source} `;
  const range =
    first.endOffset === null ? '' : `[${String(first.firstOffset ?? '')}, ${first.endOffset}) `;
  return `${source}${range}${first.detail}${more || offending.length > 1 ? ', and more' : ''}`;
}

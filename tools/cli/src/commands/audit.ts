import {
  type AuditCheckResult,
  auditDatabase,
  type AuditOffence,
  type AuditReport,
  withDatabase,
} from '@adtally/db';
import { rollupsCheck } from '@adtally/analytics';
import {
  command,
  EXIT,
  flag,
  formatTable,
  JSON_OPTION,
  printJson,
  progressLine,
} from '@adtally/command-line';
import { inspectedDatabaseUrl } from '../demo/inspected-database.ts';
import { DATABASE_OPTIONS } from '../stack.ts';

export const audit = command({
  description: `On the last demo's database while nothing was counted in the stack's own.
Exit code 0 only when everything balances.`,
  options: { ...JSON_OPTION, full: flag('check every rollup, not a sample of each') },
  run: async ({ options }) =>
    await withDatabase(await inspectedDatabaseUrl(), DATABASE_OPTIONS, async (db) => {
      const progress = progressLine();
      const report = await auditDatabase(db, {
        extraChecks: [rollupsCheck({ full: options.full })],
        onCheck: ({ id, ok }) => progress.update(`audit: ${id} ${ok ? 'holds' : 'does not hold'}`),
      });
      progress.finish();
      if (options.json) printJson(report);
      else process.stdout.write(`${auditText(report)}\n`);
      return report.balanced ? EXIT.success : EXIT.failure;
    }),
});

/** The report for people: every check, what it found, and the totals. */
export function auditText(report: AuditReport): string {
  const { totals } = report;
  const checks = report.checks.map((check) => [check.ok ? 'ok' : 'FAILED', check.id, check.name]);
  const codes = Object.entries(totals.by_code).map(([code, count]) => [`  ${code}`, String(count)]);
  const rows = [
    ['consumed', String(totals.consumed)],
    ['stored', String(totals.stored)],
    ['duplicate', String(totals.duplicate)],
    ['conflict', String(totals.conflict)],
    ['dead-lettered', String(totals.dead_lettered)],
    ...codes,
    ['gap', String(totals.gap)],
    ['lost', String(totals.lost)],
  ];
  const halted = report.sources.filter((source) => source.halted_code !== null);
  return [
    formatTable(checks),
    ...report.checks.filter((check) => !check.ok).map((check) => `\n${offences(check, report)}`),
    '',
    formatTable(rows, new Set([1])),
    '',
    ...halted.map(
      (s) => `source ${s.source} (${s.topic}[${s.partition}]) is halted: ${s.halted_code}`,
    ),
    ...report.checks.flatMap((check) => (check.notes ?? []).map((note) => `note: ${note}`)),
    report.balanced ? 'Everything balances.' : 'It does NOT balance.',
  ].join('\n');
}

function offences(check: AuditCheckResult, report: AuditReport): string {
  const rows = check.offending.map((offence) => [
    `  ${sourceName(offence.source, report)}`,
    offsets(offence),
    offence.detail,
  ]);
  const more = check.more ? '\n  and more' : '';
  return `${check.id} does not hold:\n${formatTable(rows)}${more}`;
}

function sourceName(id: number | null, report: AuditReport): string {
  if (id === null) return 'rollups';
  const source = report.sources.find((candidate) => candidate.source === id);
  return source === undefined
    ? `source ${id}`
    : `source ${id} ${source.kind} ${source.topic}[${source.partition}]`;
}

function offsets({ firstOffset, endOffset }: AuditOffence): string {
  return endOffset === null ? '-' : `[${firstOffset ?? ''}, ${endOffset})`;
}

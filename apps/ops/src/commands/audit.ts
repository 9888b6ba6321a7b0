import { wholeAudit } from '@adtally/analytics';
import {
  type AuditCheckResult,
  type AuditOffence,
  type AuditReport,
  auditSince,
  recordAudit,
  type SinceReport,
  type StandingPartition,
} from '@adtally/db';
import {
  command,
  EXIT,
  flag,
  formatTable,
  JSON_OPTION,
  option,
  printJson,
  progressLine,
  say,
  timeMs,
  UsageError,
} from '@adtally/command-line';
import { onDatabase, type OpsContext, type OpsEnvironment } from '../on-database.ts';

/** It bounds itself, and may take minutes. */
const NO_TIMEOUT = { statementTimeoutMs: 0 };

type Report = AuditReport | SinceReport;

/** Checks the guarantees on the live database, and writes down what came of it. */
export const audit = command({
  description: `What each check says is written down for metrics and alerts.
Exit code 0 only when everything balances; 1 when a check does not hold; 3 when what was counted balances, and a
partition is halted or stuck, so that it is not everything. With --since only what was counted since then is checked, at
the cost of reading that; keys stored twice, retries, replays and rollups are left to the whole audit, and nothing is
written down.`,
  options: {
    ...JSON_OPTION,
    full: flag('check every rollup, not a sample of each'),
    since: option(
      timeMs,
      "only what was committed since, by the database's clock; UTC unless an offset is given",
    ),
  },
  run: async ({ options }, environment: OpsEnvironment) => {
    const { since, full } = options;
    if (since !== undefined && full)
      throw new UsageError('--since looks at no rollup: leave --full out');
    const work = async ({ db, config }: OpsContext): Promise<number> => {
      const progress = progressLine();
      const onCheck = ({ id, ok }: AuditCheckResult): void =>
        progress.update(`audit: ${id} ${ok ? 'holds' : 'does not hold'}`);
      const report: Report =
        since === undefined
          ? await wholeAudit(db, { rollups: { full }, onCheck })
          : await auditSince(db, new Date(since), { onCheck });
      progress.finish();
      if (options.json) printJson(report);
      else process.stdout.write(`${auditText(report)}\n`);
      if ('since' in report) return exitCodeOf(report);
      try {
        await recordAudit(db, 'full', report.checks, `${config.actor}: ops audit`);
      } catch (error) {
        // A copy that may only be read is audited as well.
        say(`the result could not be written down: ${(error as Error).message}`);
      }
      return exitCodeOf(report);
    };
    return await onDatabase(environment, work, NO_TIMEOUT);
  },
});

function exitCodeOf({ balanced, complete }: Report): number {
  if (!balanced) return EXIT.failure;
  return complete ? EXIT.success : EXIT.incomplete;
}

/** The report for people: every check, what it found, and of the whole the totals. */
function auditText(report: Report): string {
  const checks = report.checks.map((check) => [check.ok ? 'ok' : 'FAILED', check.id, check.name]);
  return [
    formatTable(checks),
    ...report.checks.filter((check) => !check.ok).map((check) => `\n${offences(check, report)}`),
    '',
    ...('totals' in report ? [totalsText(report), ''] : []),
    ...report.standing.map(standingText),
    ...report.checks.flatMap((check) => (check.notes ?? []).map((note) => `note: ${note}`)),
    verdict(report),
  ].join('\n');
}

function totalsText({ totals }: AuditReport): string {
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
  return formatTable(rows, new Set([1]));
}

function standingText({
  topic,
  partition,
  sourceId,
  state,
  code,
  detail,
  offset,
}: StandingPartition) {
  const source = sourceId === null ? '' : `source ${sourceId} `;
  const at = offset === null ? '' : ` at ${offset}`;
  return `${source}${topic}[${partition}] is ${state}${at}: ${code}${detail === '' ? '' : ` (${detail})`}`;
}

function verdict(report: Report): string {
  const { balanced, standing } = report;
  const of = 'since' in report ? `What was counted since ${report.since}` : 'Everything';
  if (!balanced) return 'It does NOT balance.';
  if (standing.length === 0) return `${of} balances.`;
  const halted = standing.filter(({ state }) => state === 'halted').length;
  const stuck = standing.length - halted;
  const parts = [
    ...(halted > 0 ? [`${halted} halted`] : []),
    ...(stuck > 0 ? [`${stuck} stuck`] : []),
  ];
  return `What was counted balances, but it is NOT everything: partitions stand still (${parts.join(', ')}).`;
}

function offences(check: AuditCheckResult, report: Report): string {
  const rows = check.offending.map((offence) => [
    `  ${sourceName(offence.source, report)}`,
    offsets(offence),
    offence.detail,
  ]);
  const more = check.more ? '\n  and more' : '';
  return `${check.id} does not hold:\n${formatTable(rows)}${more}`;
}

function sourceName(id: number | null, report: Report): string {
  if (id === null) return '-';
  const sources = 'sources' in report ? report.sources : [];
  const source = sources.find((candidate) => candidate.source === id);
  return source === undefined
    ? `source ${id}`
    : `source ${id} ${source.kind} ${source.topic}[${source.partition}]`;
}

function offsets({ firstOffset, endOffset }: AuditOffence): string {
  return endOffset === null ? '-' : `[${firstOffset ?? ''}, ${endOffset})`;
}

import { DEFAULT_DEFINITION, NAIVE_DEFINITION } from '@adtally/analytics';
import { type AuditReport, jsonInteger } from '@adtally/db';
import { formatTable } from '@adtally/command-line';
import type { FailurePath } from './failure-path.ts';
import type { Kill } from './kill.ts';
import type { DemoRecount } from './recount.ts';
import type { RollupResult } from './rollups.ts';
import type { DemoStatement } from './statement.ts';
import { compareTallies, isEqual, type Tally, tallyJson, type TallyLine } from './tally.ts';
import type { TopicNames } from './workspace.ts';

/** Everything one demo found out. */
export interface DemoResult {
  readonly events: number;
  readonly seed: number;
  readonly expected: Tally;
  readonly actual: Tally;
  readonly audit: Pick<AuditReport, 'balanced' | 'checks'>;
  readonly rollups: RollupResult;
  readonly statement: DemoStatement;
  /** Null where it was not asked for. */
  readonly recount: DemoRecount | null;
  readonly kill: Kill;
  readonly takeoverSeconds: number | null;
  readonly fenced: number | null;
  readonly exitCodes: Readonly<Record<string, number>>;
  readonly failurePath: FailurePath;
  /** Records the broker refused or never answered for: what is expected is then not known. */
  readonly produceFailures: number;
  readonly dlqRecords: number;
  readonly countSeconds: number;
  readonly readySeconds: number;
  readonly seconds: number;
  readonly database: string;
  readonly topics: TopicNames;
  readonly logFolder: string;
}

const MICROS_DIGITS = 6;

/** Why the demo is not exact, one sentence each; none where it is. */
export function problemsOf(result: DemoResult): string[] {
  const problems: string[] = [];
  for (const line of compareTallies(result.expected, result.actual)) {
    if (isEqual(line)) continue;
    problems.push(`${line.name}: expected ${line.expected}, found ${line.actual}`);
  }
  for (const { name, expected, actual } of result.failurePath.lines) {
    if (expected !== actual) problems.push(`failure path: ${name}: ${expected} against ${actual}`);
  }
  for (const check of result.audit.checks) {
    if (!check.ok) problems.push(`audit: ${check.id} (${check.name}) does not hold`);
  }
  problems.push(...result.rollups.problems);
  problems.push(...result.statement.differences.map((found) => `statement: ${found}`));
  const { differences = [], unknown = [] } = result.recount ?? {};
  problems.push(...[...differences, ...unknown].map((found) => `recount: ${found}`));
  if (!result.audit.balanced) problems.push('the audit does not balance');
  if (result.produceFailures > 0) {
    problems.push(`${result.produceFailures} records were not acknowledged by the broker`);
  }
  const exitCodes = { ...result.exitCodes, ...result.failurePath.exitCodes };
  for (const [service, code] of Object.entries(exitCodes)) {
    if (code !== 0) problems.push(`${service} ended with exit code ${code} after SIGTERM`);
  }
  return problems;
}

/** The object of `--json`. */
export function demoJson(result: DemoResult): object {
  const { kill } = result;
  const problems = problemsOf(result);
  return {
    exact: problems.length === 0,
    problems,
    events: result.events,
    seed: result.seed,
    expected: tallyJson(result.expected),
    actual: tallyJson(result.actual),
    audit: {
      balanced: result.audit.balanced,
      checks: Object.fromEntries(result.audit.checks.map(({ id, ok }) => [id, ok])),
    },
    rollups: rollupJson(result.rollups),
    statement: { file: result.statement.file, differences: result.statement.differences },
    ...(result.recount === null ? {} : { recount: result.recount }),
    kill: {
      consumer: kill.consumer,
      signal: 'SIGKILL',
      killed_at_events: kill.atEvents,
      killed_at_seconds: rounded(kill.atSeconds),
      partitions: kill.partitions,
      lag: kill.lag,
      survivor_lag: kill.survivorLag,
      takeover_seconds: result.takeoverSeconds === null ? null : rounded(result.takeoverSeconds),
      fenced_partitions: result.fenced,
    },
    failure_path: failurePathJson(result.failurePath),
    dlq_records: result.dlqRecords,
    consumer_exit_codes: result.exitCodes,
    seconds: rounded(result.seconds),
    ready_seconds: rounded(result.readySeconds),
    count_seconds: rounded(result.countSeconds),
    events_per_second: Math.round(eventsPerSecond(result)),
    database: result.database,
    topics: result.topics,
    log_folder: result.logFolder,
  };
}

/**
 * Table and story for people.
 *
 * @param next what to try next
 * @param verify how to verify the statement
 */
export function demoText(result: DemoResult, next: string, verify: string): string {
  const { kill, actual } = result;
  const lines = compareTallies(result.expected, actual);
  const table = formatTable(
    [['', 'EXPECTED', 'ACTUAL', ''], ...lines.map(tableRow)],
    new Set([1, 2]),
  );
  const problems = problemsOf(result);
  const failures = formatTable(
    [
      ['FAILURE PATH', 'EXPECTED', 'ACTUAL', ''],
      ...result.failurePath.lines.map(({ name, expected, actual: found }) => [
        name,
        grouped(expected),
        grouped(found),
        expected === found ? '=' : '!=',
      ]),
    ],
    new Set([1, 2]),
  );
  const takeover =
    result.takeoverSeconds === null
      ? ''
      : `; others took them over within ${result.takeoverSeconds.toFixed(1)} s`;
  const checks = result.audit.checks.filter(({ ok }) => ok).length;
  return [
    table,
    '',
    failures,
    ...result.failurePath.pages.map((page) => `page: ${page}`),
    '',
    `${kill.consumer} was killed with SIGKILL after ${grouped(kill.atEvents)} events, ` +
      `${grouped(kill.lag)} records behind in ${kill.partitions.length} partitions${takeover}.`,
    `Audit: ${checks} of ${result.audit.checks.length} checks hold. ` +
      `${grouped(actual.records)} records in ${result.countSeconds.toFixed(1)} s, ` +
      `${grouped(Math.round(eventsPerSecond(result)))} a second, kill and takeover included; ` +
      `${result.seconds.toFixed(1)} s in all.`,
    rollupText(result.rollups),
    ...recountText(result.recount),
    '',
    result.statement.text,
    verify,
    '',
    ...problems.map((problem) => `NOT EXACT: ${problem}`),
    problems.length === 0
      ? `Exact in every line. ${next}`
      : `The numbers differ. Logs: ${result.logFolder}. ${next}`,
  ].join('\n');
}

function failurePathJson({ lines, letters, pages }: FailurePath): object {
  return {
    lines: lines.map(({ name, expected, actual }) => ({
      name,
      expected: jsonInteger(expected),
      actual: jsonInteger(actual),
    })),
    letters_by_code: Object.fromEntries(
      Object.entries(letters).map(([code, of]) => [
        code,
        {
          dead_lettered: jsonInteger(of.deadLettered),
          resolved: jsonInteger(of.resolved),
          dead: jsonInteger(of.dead),
          pending: jsonInteger(of.pending),
          discarded: jsonInteger(of.discarded),
        },
      ]),
    ),
    pages,
  };
}

function rollupJson({ campaigns, problems, wrongBefore, differences }: RollupResult): object {
  return {
    promoted_version: DEFAULT_DEFINITION.version,
    equal_to_producer: problems.length === 0,
    wrong_before: {
      version: NAIVE_DEFINITION.version,
      campaigns: wrongBefore,
      differences: Object.fromEntries(
        Object.entries(differences).map(([measure, by]) => [measure, jsonInteger(by)]),
      ),
    },
    campaigns: campaigns.map((row) => ({
      ...row,
      spend_micros: jsonInteger(row.spend_micros),
      value_micros: jsonInteger(row.value_micros),
    })),
  };
}

function rollupText({ campaigns, problems, wrongBefore, differences }: RollupResult): string {
  const moved = (differences['clicks'] ?? 0n) + (differences['click_conversions'] ?? 0n);
  const verdict = problems.length === 0 ? 'equal to the producer' : 'NOT equal to the producer';
  return (
    `Rollups: version ${NAIVE_DEFINITION.version}, which takes arrival for order, was wrong in ${wrongBefore} of ` +
    `${campaigns.length} campaign totals (${grouped(moved)} clicks and conversions); ` +
    `after run and promote version ${DEFAULT_DEFINITION.version} is ${verdict} in every one.`
  );
}

function recountText(recount: DemoRecount | null): string[] {
  if (recount === null) return [];
  const verdict = recount.differences.length === 0 ? 'agrees' : 'does NOT agree';
  return [
    `Recount in Python, from the topic by the published contract: ${verdict} ` +
      `(${recount.what}; ${recount.seconds.toFixed(1)} s).`,
  ];
}

function eventsPerSecond({ actual, countSeconds }: DemoResult): number {
  return Number(actual.records) / Math.max(countSeconds, 0.001);
}

function tableRow(line: TallyLine): string[] {
  const show = line.unit === 'micros' ? amount : grouped;
  return [
    line.part ? `  ${line.name}` : line.name,
    show(line.expected),
    show(line.actual),
    isEqual(line) ? '=' : '!=',
  ];
}

/** Micros as units of the currency with all six decimals. */
export function amount(micros: bigint): string {
  const digits = (micros < 0n ? -micros : micros).toString().padStart(MICROS_DIGITS + 1, '0');
  const units = BigInt(digits.slice(0, -MICROS_DIGITS));
  return `${micros < 0n ? '-' : ''}${grouped(units)}.${digits.slice(-MICROS_DIGITS)}`;
}

function grouped(value: bigint | number): string {
  return value.toLocaleString('en');
}

function rounded(seconds: number): number {
  return Math.round(seconds * 1000) / 1000;
}

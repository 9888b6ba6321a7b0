import { benchDrain, type BenchDrainResult, type DrainReport } from '@adtally/bench';
import {
  command,
  EXIT,
  flag,
  formatTable,
  JSON_OPTION,
  option,
  printJson,
  say,
  wholeNumber,
} from '@adtally/command-line';
import { micros, onStack } from './on-stack.ts';

const EVENTS_MAX = 20_000_000;
const REPEAT_MAX = 100;
const ROW_BY_ROW_SECONDS_MAX = 600;
const TOP_FUNCTIONS = 20;

export const drain = command({
  description: `What is measured and how: tools/bench/README.md. Exit code 0 only when what was measured was also
counted exactly.`,
  options: {
    events: option(wholeNumber(1, EVENTS_MAX), 'how many', { default: 2_000_000 }),
    seed: option(wholeNumber(0, Number.MAX_SAFE_INTEGER), 'what the events are made from', {
      default: 1,
    }),
    repeat: option(wholeNumber(1, REPEAT_MAX), 'pairs of drain and floor; medians', { default: 1 }),
    'row-by-row-seconds': option(
      wholeNumber(0, ROW_BY_ROW_SECONDS_MAX),
      'how long to count row by row; 0 leaves that phase out',
      { default: 30 },
    ),
    reload: flag('fill a new topic although one is there'),
    'cpu-profile': flag('profile the consumer and list its functions'),
    ...JSON_OPTION,
  },
  run: async ({ options: { json, ...options } }) => {
    const { 'row-by-row-seconds': rowByRowSeconds, 'cpu-profile': cpuProfile, ...rest } = options;
    const result = await onStack((addresses, kafka, onProgress, signal) =>
      benchDrain(addresses, kafka, { ...rest, rowByRowSeconds, cpuProfile, onProgress, signal }),
    );
    for (const problem of result.report.problems) say(problem);
    if (json) printJson(jsonResult(result));
    else process.stdout.write(`${drainText(result)}\n`);
    return result.report.exact ? EXIT.success : EXIT.failure;
  },
});

function jsonResult({ report, profile }: BenchDrainResult): object {
  if (profile === null) return report;
  const functions = profile.functions.slice(0, TOP_FUNCTIONS).map(({ name, selfUs }) => ({
    name,
    us_per_event: Number((selfUs / report.events).toFixed(3)),
  }));
  return { ...report, cpu_profile: { file: profile.file, functions } };
}

/** The report for people. */
export function drainText({ report, profile }: BenchDrainResult): string {
  const { cpu_us_per_event: cpu, batch } = report;
  const rows = [
    ['events', `${report.events}`, ''],
    ['drain', `${report.events_per_second}`, `events/s (${report.seconds} s)`],
    [
      'floor',
      `${report.floor_events_per_second}`,
      `events/s; the drain is ${report.floor_ratio} of it`,
    ],
    ...rowByRowLine(report),
    ['CPU, all', micros(cpu.total), 'us an event'],
    ['  consumer', micros(cpu.consumer), `floor's process: ${report.floor_cpu_us_per_event}`],
    ['  PostgreSQL', micros(cpu.postgres), ''],
    ['  Redis', micros(cpu.redis), ''],
    ['  Kafka', micros(cpu.kafka), ''],
    ['WAL', `${report.wal_bytes_per_event}`, 'bytes an event'],
    ['peak memory', `${report.rss_mb}`, 'MiB, consumer'],
    [
      'batches',
      `${batch.batches}`,
      `${batch.rows_per_batch} rows, written in ${batch.write_ms} ms`,
    ],
    [
      'fast route',
      `${batch.routed_fast}`,
      `events; verified route: ${batch.routed_verified}, not asked: ${batch.routed_unasked}`,
    ],
    ['scanner', `${(report.scanner_share * 100).toFixed(2)}`, '% of the records'],
    ['exact', report.exact ? 'yes' : 'NO', ''],
  ];
  const table = formatTable(rows, new Set([1]));
  if (profile === null) return table;
  const functions = profile.functions
    .slice(0, TOP_FUNCTIONS)
    .map(({ name, selfUs }) => [(selfUs / report.events).toFixed(3), name]);
  const costs = formatTable([['us/event', 'function (self time)'], ...functions], new Set([0]));
  return `${table}\n\n${costs}\n\nprofile: ${profile.file}`;
}

function rowByRowLine(report: DrainReport): string[][] {
  const { row_by_row_events_per_second: rate, row_by_row_ratio: ratio } = report;
  if (rate === null) return [];
  return [['row by row', `${rate}`, `events/s; the drain is ${ratio} times as fast`]];
}

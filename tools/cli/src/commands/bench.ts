import {
  benchDrain,
  benchReprocess,
  benchRollup,
  type BenchDrainResult,
  type DrainReport,
  type ReprocessReport,
  type RollupReport,
} from '@adtally/bench';
import type { KafkaSettings } from '@adtally/kafka';
import { readKafkaSettings } from '@adtally/kafka/env';
import { ensureStack, StackError, type StackAddresses } from '@adtally/local-stack';
import { parseCommand, UsageError, wholeNumber } from '../args.ts';
import { orUsageError } from '../or-usage-error.ts';
import { formatTable, printJson, progressLine, say } from '../output.ts';

const EVENTS_MAX = 20_000_000;
const LETTERS_MIN = 1_000;
const LETTERS_MAX = 5_000_000;
/** Fewer are no cohort. */
const ROLLUP_EVENTS_MIN = 100_000;
const REPEAT_MAX = 100;
const ROW_BY_ROW_SECONDS_MAX = 600;
const TOP_FUNCTIONS = 20;
const EXIT_NOT_EXACT = 1;

const BENCHES = `drain   a filled topic through the real service, against the floor and row by row
          --events N (default 2000000)  --seed S (default 1)  --json
          --repeat K                pairs of drain and floor; medians (default 1)
          --row-by-row-seconds S    0 leaves that phase out (default 30)
          --reload                  fill a new topic although one is there
          --cpu-profile             profile the consumer and list its functions
reprocess   dead letters copied and retried by the real service
          --letters N (default 100000)  --json

rollup  what keeping rollups costs: bases, late events, recompute, the note on the hot path
          --events N (default 10000000, beside a run with a tenth)  --json

Run one: ./dev bench drain. What is measured and how: tools/bench/README.md
`;

/** Measures. Exit code 0 only when what was measured was also counted exactly. */
export async function run(args: string[]): Promise<number> {
  const [bench, ...rest] = args;
  if (bench === undefined) {
    process.stdout.write(BENCHES);
    return 0;
  }
  if (bench === 'drain') return await drain(rest);
  if (bench === 'reprocess') return await reprocess(rest);
  if (bench === 'rollup') return await rollup(rest);
  throw new UsageError(`there is no bench "${bench}". Known: drain, reprocess, rollup`);
}

async function reprocess(args: string[]): Promise<number> {
  const { values } = parseCommand(args, {
    letters: { type: 'string', default: '100000' },
    json: { type: 'boolean', default: false },
  });
  const letters = wholeNumber('letters', values.letters, LETTERS_MIN, LETTERS_MAX);
  const report = await onStack((addresses, kafka, onProgress, signal) =>
    benchReprocess(addresses, kafka, { letters, onProgress, signal }),
  );
  for (const problem of report.problems) say(problem);
  if (values.json) printJson(report);
  else process.stdout.write(`${reprocessText(report)}\n`);
  return report.exact ? 0 : EXIT_NOT_EXACT;
}

function reprocessText(report: ReprocessReport): string {
  const { cpu_us_per_letter: cpu } = report;
  const rows = [
    ['letters', `${report.letters}`, `${report.curable} of them curable`],
    ['copied', `${report.copied_per_second}`, 'letters/s'],
    ['retried', `${report.retried_per_second}`, 'letters/s'],
    ['CPU, reprocessor', micros(cpu.reprocessor), 'us a letter, copying included'],
    ['CPU, PostgreSQL', micros(cpu.postgres), ''],
    ['exact', report.exact ? 'yes' : 'NO', ''],
  ];
  return formatTable(rows, new Set([1]));
}

/** Runs a bench against the stack, with a progress line, until it ends or is interrupted. */
async function onStack<T>(
  work: (
    addresses: StackAddresses,
    kafka: KafkaSettings,
    onProgress: (text: string) => void,
    signal: AbortSignal,
  ) => Promise<T>,
): Promise<T> {
  const addresses = await ensureStack();
  const env = { ...process.env, KAFKA_BROKERS: addresses.kafkaBrokers };
  const kafka = orUsageError(() => readKafkaSettings(env));
  const progress = progressLine();
  const interrupted = new AbortController();
  const interrupt = (): void => interrupted.abort(new StackError('interrupted'));
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt);
  try {
    return await work(addresses, kafka, progress.update, interrupted.signal);
  } finally {
    progress.finish();
  }
}

async function rollup(args: string[]): Promise<number> {
  const { values } = parseCommand(args, {
    events: { type: 'string', default: '10000000' },
    json: { type: 'boolean', default: false },
  });
  const events = wholeNumber('events', values.events, ROLLUP_EVENTS_MIN, EVENTS_MAX);
  const report = await onStack((addresses, kafka, onProgress) =>
    benchRollup(addresses, kafka, { events, onProgress }),
  );
  if (values.json) printJson(report);
  else process.stdout.write(`${rollupText(report)}\n`);
  return report.exact ? 0 : EXIT_NOT_EXACT;
}

/** The report for people. */
function rollupText(report: RollupReport): string {
  const { note } = report;
  return formatTable(
    [
      ['events', `${report.events}`, ''],
      ['base', `${report.base_us_per_event}`, 'us of PostgreSQL CPU an event'],
      [
        'late',
        `${report.late_us_per_impression}`,
        `us a late impression (${report.late_share} an event)`,
      ],
      ['cores', `${report.cores_at_50000_per_second}`, 'at 50,000 events/s'],
      [
        'recompute',
        `${report.recompute_rows_per_second}`,
        `rows/s; CPU of an event ${report.recompute_flatness} of the run with a tenth`,
      ],
      [
        'note',
        `${note.ratio_median}`,
        `times the CPU of a write (${note.ratio_min} to ${note.ratio_max})`,
      ],
      ['exact', report.exact ? 'yes' : 'NO', ''],
    ],
    new Set([1]),
  );
}

async function drain(args: string[]): Promise<number> {
  const { values } = parseCommand(args, {
    events: { type: 'string', default: '2000000' },
    seed: { type: 'string', default: '1' },
    repeat: { type: 'string', default: '1' },
    'row-by-row-seconds': { type: 'string', default: '30' },
    reload: { type: 'boolean', default: false },
    'cpu-profile': { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  });
  const rowByRowText = values['row-by-row-seconds'];
  const options = {
    events: wholeNumber('events', values.events, 1, EVENTS_MAX),
    seed: wholeNumber('seed', values.seed, 0, Number.MAX_SAFE_INTEGER),
    repeat: wholeNumber('repeat', values.repeat, 1, REPEAT_MAX),
    rowByRowSeconds: wholeNumber('row-by-row-seconds', rowByRowText, 0, ROW_BY_ROW_SECONDS_MAX),
    reload: values.reload,
    cpuProfile: values['cpu-profile'],
  };
  const result = await onStack((addresses, kafka, onProgress, signal) =>
    benchDrain(addresses, kafka, { ...options, onProgress, signal }),
  );
  for (const problem of result.report.problems) say(problem);
  if (values.json) printJson(jsonResult(result));
  else process.stdout.write(`${drainText(result)}\n`);
  return result.report.exact ? 0 : EXIT_NOT_EXACT;
}

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
    ['fast route', `${batch.routed_fast}`, `events; verified route: ${batch.routed_verified}`],
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

/** `?` where a process is on another machine or cannot be seen. */
function micros(value: number | null): string {
  return value === null ? '?' : value.toFixed(2);
}

import {
  ALGORITHMS,
  type BackfillPlan,
  type BackfillOutcome,
  DEFAULT_DEFINITION,
  NAIVE_DEFINITION,
  orderBackfill,
  planBackfill,
  readBackfill,
  readDefinitions,
  registerVersion,
  startBackfill,
  workBackfill,
  type RollupDefinition,
  type TimeRange,
} from '@adtally/analytics';
import { durationMs, parseCommand, timeMs, UsageError, wholeNumber } from '../args.ts';
import { operatorOf, ACTING_OPTIONS, type CommandContext, DRY } from '../context.ts';
import { backfillJson, backfillText, planJson, planText } from '../describe.ts';
import { EXIT } from '../exit-codes.ts';
import { BACKFILL_FORM, ProgressView } from '../progress.ts';

const OPTIONS = {
  ...ACTING_OPTIONS,
  version: { type: 'string' },
  from: { type: 'string' },
  to: { type: 'string' },
  by: { type: 'string', default: 'cohort' },
  parallelism: { type: 'string', default: '1' },
  rate: { type: 'string' },
  'attribution-window': { type: 'string' },
  'order-tolerance': { type: 'string' },
} as const;

type Values = ReturnType<typeof parseCommand<typeof OPTIONS>>['values'];

const PARALLELISM_MAX = 16;
const RATE_MAX = 100_000_000;
const VERSION_MAX = 1_000_000;
/** Of one worker on one core, for estimates; the progress line has the true one. */
const ROWS_PER_SECOND = 100_000;

const OUTCOMES = {
  done: EXIT.done,
  cancelled: EXIT.undone,
  interrupted: EXIT.interrupted,
} as const satisfies Record<BackfillOutcome, number>;

/** `plan`: what `run` with the same arguments would do. Changes nothing. */
export async function plan(args: readonly string[], context: CommandContext): Promise<number> {
  const { values } = parseCommand(args, OPTIONS);
  tellPlan(await planOf(values, context), values, context, '');
  return EXIT.done;
}

/** `run`: computes the rollups of a range anew. Without --execute it only plans. */
export async function run(args: readonly string[], context: CommandContext): Promise<number> {
  const { values } = parseCommand(args, OPTIONS);
  const planned = await planOf(values, context);
  if (!values.execute) {
    tellPlan(planned, values, context, `\n${DRY}`);
    return EXIT.done;
  }
  const operator = operatorOf(values, context.config);
  const { db } = context;
  await registerVersion(db, await definitionOf(values, context), 'the frontier');
  const runId = await startBackfill(db, planned, rateOf(values), operator);
  return await work(runId, parallelismOf(values), context);
}

/** `resume`: goes on with a backfill that was paused, interrupted or killed. */
export async function resume(args: readonly string[], context: CommandContext): Promise<number> {
  const { values, positionals } = parseCommand(args, {
    ...ACTING_OPTIONS,
    parallelism: { type: 'string', default: '1' },
  });
  const runId = runIdOf(positionals);
  const { db, print } = context;
  const backfill = await readBackfill(db, runId);
  if (!values.execute) {
    print(backfillJson(backfill), `${backfillText(backfill)}\n${DRY}`);
    return EXIT.done;
  }
  await orderBackfill(db, runId, 'resume', operatorOf(values, context.config));
  // Its own process waits and goes on by itself. One that was killed is not waited for: at worst two are
  // at it, which is as good.
  if (backfill.state === 'paused' && backfill.isAttended) {
    const resumed = await readBackfill(db, runId);
    print(backfillJson(resumed), backfillText(resumed));
    return EXIT.done;
  }
  return await work(runId, parallelismOf(values), context);
}

/** The backfill a command names. */
export function runIdOf(positionals: readonly string[]): bigint {
  const [text, ...others] = positionals;
  if (text === undefined || others.length > 0) throw new UsageError('name one backfill by its id');
  return BigInt(wholeNumber('the id', text, 1, Number.MAX_SAFE_INTEGER));
}

async function work(
  runId: bigint,
  parallelism: number,
  { db, config, print, isJson, signal }: CommandContext,
): Promise<number> {
  const view = new ProgressView(BACKFILL_FORM, isJson);
  const outcome = await workBackfill(db, runId, {
    parallelism,
    baseRows: config.baseRows,
    lagMaxRecords: config.lagMaxRecords,
    onProgress: (progress) => view.update(progress),
    signal,
  }).finally(() => view.finish());
  const backfill = await readBackfill(db, runId);
  print({ outcome, ...backfillJson(backfill) }, backfillText(backfill));
  return OUTCOMES[outcome];
}

async function planOf(values: Values, context: CommandContext): Promise<BackfillPlan> {
  const { version } = await definitionOf(values, context);
  return await planBackfill(context.db, version, timesOf(values));
}

function timesOf({ from, to, by }: Values): TimeRange {
  if (by !== 'cohort' && by !== 'event-time') {
    throw new UsageError(`--by takes cohort or event-time, not "${by}"`);
  }
  const fromMs = from === undefined ? null : timeMs('--from', from);
  const toMs = to === undefined ? null : timeMs('--to', to);
  if (fromMs !== null && toMs !== null && fromMs >= toMs) {
    throw new UsageError('--from must lie before --to');
  }
  return { fromMs, toMs, by };
}

/** A version the database or this build knows, or a new one of `last_click` with its own parameters. */
async function definitionOf(values: Values, { db }: CommandContext): Promise<RollupDefinition> {
  const version =
    values.version === undefined
      ? DEFAULT_DEFINITION.version
      : wholeNumber('--version', values.version, 1, VERSION_MAX);
  const known = [...(await readDefinitions(db)), NAIVE_DEFINITION, DEFAULT_DEFINITION].find(
    (one) => one.version === version,
  );
  const { 'attribution-window': window, 'order-tolerance': tolerance } = values;
  const base = known ?? { ...DEFAULT_DEFINITION, version, algorithm: ALGORITHMS[0] };
  return {
    ...base,
    ...(window !== undefined && { windowMs: durationMs('--attribution-window', window) }),
    ...(tolerance !== undefined && { toleranceMs: durationMs('--order-tolerance', tolerance) }),
  };
}

function tellPlan(
  planned: BackfillPlan,
  values: Values,
  { print }: CommandContext,
  end: string,
): void {
  const usual = ROWS_PER_SECOND * parallelismOf(values);
  const speed = Math.min(rateOf(values) ?? usual, usual);
  print({ dry: true, ...planJson(planned, speed) }, `${planText(planned, speed)}${end}`);
}

function rateOf({ rate }: Values): number | null {
  return rate === undefined ? null : wholeNumber('--rate', rate, 1, RATE_MAX);
}

function parallelismOf({ parallelism }: { readonly parallelism: string }): number {
  return wholeNumber('--parallelism', parallelism, 1, PARALLELISM_MAX);
}

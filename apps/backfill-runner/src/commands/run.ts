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
import {
  choice,
  command,
  duration,
  EXIT,
  id,
  operand,
  option,
  timeMs,
  UsageError,
  wholeNumber,
  type ValuesOf,
} from '@adtally/command-line';
import {
  operatorOf,
  orderOf,
  onDatabase,
  ACTING_OPTIONS,
  type CommandContext,
  DRY,
  type RunnerEnvironment,
} from '../context.ts';
import { backfillJson, backfillText, planJson, planText } from '../describe.ts';
import { BACKFILL_FORM, ProgressView } from '../progress.ts';

const PARALLELISM_MAX = 16;
const RATE_MAX = 100_000_000;
const VERSION_MAX = 1_000_000;
/** Of one worker on one core, for estimates; the progress line has the true one. */
const ROWS_PER_SECOND = 100_000;

const PARALLELISM = option(wholeNumber(1, PARALLELISM_MAX), 'workers at a time', { default: 1 });
const RANGE_OPTIONS = {
  version: option(wholeNumber(1, VERSION_MAX), 'of the rollups; a new one is registered by run'),
  from: option(timeMs, 'the range; UTC unless an offset is given. By default everything settled'),
  to: option(timeMs, 'its end, excluded'),
  by: option(choice(['cohort', 'event-time']), 'when impressions were born, or events occurred', {
    default: 'cohort',
  }),
  parallelism: PARALLELISM,
  rate: option(wholeNumber(1, RATE_MAX), 'rows a second, over all workers'),
  'attribution-window': option(duration, 'of a new version'),
  'order-tolerance': option(duration, 'of a new version'),
} as const;

type RangeValues = ValuesOf<typeof RANGE_OPTIONS>;

const OUTCOMES = {
  done: EXIT.success,
  cancelled: EXIT.incomplete,
  interrupted: EXIT.interrupted,
} as const satisfies Record<BackfillOutcome, number>;

export const plan = command({
  options: { ...RANGE_OPTIONS, ...ACTING_OPTIONS },
  run: async ({ options }, environment: RunnerEnvironment) => {
    const times = timesOf(options);
    return await onDatabase(environment, options.json, async (context) => {
      tellPlan(await planOf(options, times, context), options, context, '');
      return EXIT.success;
    });
  },
});

export const run = command({
  options: { ...RANGE_OPTIONS, ...ACTING_OPTIONS },
  run: async ({ options }, environment: RunnerEnvironment) => {
    const times = timesOf(options);
    const order = orderOf(options);
    return await onDatabase(environment, options.json, async (context) => {
      const planned = await planOf(options, times, context);
      if (order === null) {
        tellPlan(planned, options, context, `\n${DRY}`);
        return EXIT.success;
      }
      const operator = operatorOf(order, context.config);
      const { db } = context;
      await registerVersion(db, await definitionOf(options, context), 'the frontier');
      const runId = await startBackfill(db, planned, options.rate ?? null, operator);
      return await work(runId, options.parallelism, context);
    });
  },
});

export const resume = command({
  operands: { id: operand(id('backfill'), 'which backfill') },
  options: { parallelism: PARALLELISM, ...ACTING_OPTIONS },
  run: async ({ operands, options }, environment: RunnerEnvironment) => {
    const order = orderOf(options);
    const runId = BigInt(operands.id);
    return await onDatabase(environment, options.json, async (context) => {
      const { db, print } = context;
      const backfill = await readBackfill(db, runId);
      if (order === null) {
        print(backfillJson(backfill), `${backfillText(backfill)}\n${DRY}`);
        return EXIT.success;
      }
      await orderBackfill(db, runId, 'resume', operatorOf(order, context.config));
      // Its own process waits and goes on by itself. One that was killed is not waited for: at worst two
      // are at it, which is as good.
      if (backfill.state === 'paused' && backfill.isAttended) {
        const resumed = await readBackfill(db, runId);
        print(backfillJson(resumed), backfillText(resumed));
        return EXIT.success;
      }
      return await work(runId, options.parallelism, context);
    });
  },
});

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

async function planOf(
  values: RangeValues,
  times: TimeRange,
  context: CommandContext,
): Promise<BackfillPlan> {
  const { version } = await definitionOf(values, context);
  return await planBackfill(context.db, version, times);
}

/** @throws UsageError where the range is empty */
function timesOf({ from, to, by }: RangeValues): TimeRange {
  const [fromMs, toMs] = [from ?? null, to ?? null];
  if (fromMs !== null && toMs !== null && fromMs >= toMs) {
    throw new UsageError('--from must lie before --to');
  }
  return { fromMs, toMs, by };
}

/** A version the database or this build knows, or a new one of `last_click` with its own parameters. */
async function definitionOf(
  values: RangeValues,
  { db }: CommandContext,
): Promise<RollupDefinition> {
  const { version = DEFAULT_DEFINITION.version } = values;
  const known = [...(await readDefinitions(db)), NAIVE_DEFINITION, DEFAULT_DEFINITION].find(
    (one) => one.version === version,
  );
  const { 'attribution-window': windowMs, 'order-tolerance': toleranceMs } = values;
  const base = known ?? { ...DEFAULT_DEFINITION, version, algorithm: ALGORITHMS[0] };
  return {
    ...base,
    ...(windowMs !== undefined && { windowMs }),
    ...(toleranceMs !== undefined && { toleranceMs }),
  };
}

function tellPlan(
  planned: BackfillPlan,
  { rate, parallelism }: RangeValues,
  { print }: CommandContext,
  end: string,
): void {
  const usual = ROWS_PER_SECOND * parallelism;
  const speed = Math.min(rate ?? usual, usual);
  print({ dry: true, ...planJson(planned, speed) }, `${planText(planned, speed)}${end}`);
}

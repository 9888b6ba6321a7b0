import { RefusedError } from '@adtally/analytics';
import { createReplay } from '../replay/runs/create-replay.ts';
import { recordAction } from '@adtally/db';
import { withKafkaAdmin, type KafkaAdmin } from '@adtally/kafka';
import { createLogger } from '@adtally/telemetry';
import {
  command,
  EXIT,
  id,
  list,
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
  type Order,
  type RunnerEnvironment,
} from '../context.ts';
import { ProgressView } from '../progress.ts';
import { replayConfig } from '../replay-env.ts';
import {
  REPLAY_FORM,
  replayJson,
  replayPlanJson,
  replayPlanText,
  replayText,
} from '../replay/describe-replay.ts';
import { planReplay, readReplay, type Bound, type ReplayRequest } from '../replay/plan.ts';
import { workReplay } from '../replay/work-replay.ts';

const RATE_MAX = 100_000_000;
const PARTITION_MAX = 1_000_000;
/** Of one process on one core where all is there already, for estimates; the progress line has the true one. */
const RECORDS_PER_SECOND = 40_000;

const OFFSET = wholeNumber(0, Number.MAX_SAFE_INTEGER);
const OPTIONS = {
  'from-time': option(timeMs, 'the range by append time; UTC unless an offset is given'),
  'to-time': option(timeMs, 'its end, excluded'),
  'from-offset': option(OFFSET, 'the range by offset; needs --partition'),
  'to-offset': option(OFFSET, 'its end, excluded'),
  partition: list(wholeNumber(0, PARTITION_MAX), 'only this one; several repeated or with commas'),
  resume: option(id('replay'), 'go on with this replay, in the range it has'),
  rate: option(wholeNumber(1, RATE_MAX), 'records a second'),
  ...ACTING_OPTIONS,
} as const;

type Values = ValuesOf<typeof OPTIONS>;
/** A range as it was asked for; the topic's name comes with the configuration. */
type WantedRange = Omit<ReplayRequest, 'topic'>;

export const replay = command({
  description: `Through the path events take: what was counted is not counted again. Needs KAFKA_BROKERS. Without a
beginning it reads as far back as the log and the counting go; it ends where the consumer is.`,
  options: OPTIONS,
  run: async ({ options }, environment: RunnerEnvironment) => {
    const order = orderOf(options);
    const wanted = rangeOf(options);
    if (options.resume !== undefined) requireNoRange(options);
    return await onDatabase(environment, options.json, async (context) => {
      const { kafka } = replayConfig(context.config);
      return await withKafkaAdmin(kafka, async (admin) =>
        options.resume === undefined
          ? await start(wanted, options.rate ?? null, order, admin, context)
          : await resume(BigInt(options.resume), options.rate ?? null, order, admin, context),
      );
    });
  },
});

async function start(
  wanted: WantedRange,
  rate: number | null,
  order: Order | null,
  admin: KafkaAdmin,
  context: CommandContext,
): Promise<number> {
  const { db, print } = context;
  const { eventsTopic } = replayConfig(context.config);
  const plan = await planReplay(admin, db, { topic: eventsTopic, ...wanted });
  const ranges = plan.ranges.filter(({ first, end }) => end > first);
  const speed = Math.min(rate ?? RECORDS_PER_SECOND, RECORDS_PER_SECOND);
  const text = replayPlanText(plan, speed);
  if (order === null) {
    print({ dry: true, ...replayPlanJson(plan, speed) }, `${text}\n${DRY}`);
    return EXIT.success;
  }
  const operator = operatorOf(order, context.config);
  if (ranges.length === 0) throw new RefusedError('there is nothing to read in this range');
  // What is clipped is to be seen before the work, not only in its result.
  if (!context.isJson) process.stderr.write(`${text}\n`);
  const { topic, topicId } = plan;
  const runId = await createReplay(db, { topic, topicId, ranges, rate, ...operator });
  return await work(runId, rate, admin, context);
}

async function resume(
  runId: bigint,
  rate: number | null,
  order: Order | null,
  admin: KafkaAdmin,
  context: CommandContext,
): Promise<number> {
  const { db, print } = context;
  const known = await readReplay(db, runId);
  if (order === null) {
    print({ dry: true, ...replayJson(known) }, `${replayText(known)}\n${DRY}`);
    return EXIT.success;
  }
  const operator = operatorOf(order, context.config);
  const sign = async () => {
    await recordAction(db, operator, 'replay resume', { run_id: Number(runId) });
  };
  return await work(runId, rate ?? known.rate, admin, context, sign);
}

async function work(
  runId: bigint,
  rate: number | null,
  admin: KafkaAdmin,
  context: CommandContext,
  onClaimed?: () => Promise<void>,
): Promise<number> {
  const { db, isJson, print, signal } = context;
  const view = new ProgressView(REPLAY_FORM, isJson);
  const outcome = await workReplay(await readReplay(db, runId), rate, {
    db,
    admin,
    config: replayConfig(context.config),
    log: createLogger({ service: 'backfill-runner', level: context.config.logLevel }),
    onProgress: (progress) => view.update(progress),
    onClaimed,
    signal,
  }).finally(() => view.finish());
  const ended = await readReplay(db, runId);
  print({ outcome, ...replayJson(ended) }, replayText(ended));
  return outcome === 'done' ? EXIT.success : EXIT.interrupted;
}

/** @throws UsageError where the range contradicts itself */
function rangeOf(values: Values): WantedRange {
  const from = boundOf('from', values['from-time'], values['from-offset']);
  const to = boundOf('to', values['to-time'], values['to-offset']);
  const { partition: partitions } = values;
  if (partitions === undefined && (from.kind === 'offset' || to.kind === 'offset')) {
    throw new UsageError('an offset means something only with --partition');
  }
  if (isReversed(from, to)) throw new UsageError('the range must begin before it ends');
  if (new Set(partitions).size !== (partitions?.length ?? 0)) {
    throw new UsageError('a partition is named twice');
  }
  return { partitions: partitions ?? null, from, to };
}

function isReversed(from: Bound, to: Bound): boolean {
  if (from.kind === 'time' && to.kind === 'time') return from.timeMs >= to.timeMs;
  return from.kind === 'offset' && to.kind === 'offset' && from.offset >= to.offset;
}

function boundOf(name: 'from' | 'to', ms: number | undefined, offset: number | undefined): Bound {
  if (ms !== undefined && offset !== undefined) {
    throw new UsageError(`--${name}-time and --${name}-offset exclude one another`);
  }
  if (ms !== undefined) return { kind: 'time', timeMs: ms };
  return offset === undefined ? { kind: 'none' } : { kind: 'offset', offset };
}

function requireNoRange(values: Values): void {
  const named = ['from-time', 'to-time', 'from-offset', 'to-offset', 'partition'] as const;
  const given = named.find((name) => values[name] !== undefined);
  if (given !== undefined) throw new UsageError(`--${given}: a replay keeps its range`);
}

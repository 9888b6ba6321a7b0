import { RefusedError } from '@adtally/analytics';
import { createReplay } from '../replay/runs/create-replay.ts';
import type { RunOrder } from '@adtally/db';
import { withKafkaAdmin, type KafkaAdmin } from '@adtally/kafka';
import { createLogger } from '@adtally/telemetry';
import {
  command,
  type Command,
  EXIT,
  id,
  list,
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
import { planReplay, type Bound, type ReplayRequest } from '../replay/plan.ts';
import { isAttended, isPassed, readReplay, type Replay } from '../replay/runs/find-replays.ts';
import { endReplay, orderReplay } from '../replay/runs/order-replay.ts';
import { workReplay, type WorkReplayOptions } from '../replay/work-replay.ts';
import type { WorkOutcome } from '../replay/replay-worker.ts';

const PARALLELISM_MAX = 16;
const RATE_MAX = 100_000_000;
const PARTITION_MAX = 1_000_000;
/** Of one process on one core where all is there already, for estimates; the progress line has the true one. */
const RECORDS_PER_SECOND = 40_000;

const OUTCOMES = {
  done: EXIT.success,
  cancelled: EXIT.incomplete,
  interrupted: EXIT.interrupted,
} as const satisfies Record<WorkOutcome, number>;

const WORK_OPTIONS = {
  parallelism: option(wholeNumber(1, PARALLELISM_MAX), 'partitions at a time', { default: 1 }),
  rate: option(wholeNumber(1, RATE_MAX), 'records a second, over all partitions at a time'),
} as const;

const OFFSET = wholeNumber(0, Number.MAX_SAFE_INTEGER);
const OPTIONS = {
  'from-time': option(timeMs, 'the range by append time; UTC unless an offset is given'),
  'to-time': option(timeMs, 'its end, excluded'),
  'from-offset': option(OFFSET, 'the range by offset; needs --partition'),
  'to-offset': option(OFFSET, 'its end, excluded'),
  partition: list(wholeNumber(0, PARTITION_MAX), 'only this one; several repeated or with commas'),
  ...WORK_OPTIONS,
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
    return await onDatabase(environment, options.json, async (context) => {
      const { kafka } = replayConfig(context.config);
      return await withKafkaAdmin(kafka, async (admin) =>
        start(wanted, workOf(options), order, admin, context),
      );
    });
  },
});

/** `replay resume`: goes on with what was paused, interrupted or killed, or works beside who is at it. */
export const resumeReplay = command({
  description: `Goes on in the range it has, where it stands. Beside processes that are at it this one takes a share: any
number may.`,
  operands: { id: operand(id('replay'), 'which replay') },
  options: { ...WORK_OPTIONS, ...ACTING_OPTIONS },
  run: async ({ operands, options }, environment: RunnerEnvironment) => {
    const order = orderOf(options);
    const runId = BigInt(operands.id);
    return await onDatabase(environment, options.json, async (context) => {
      const { db, config } = context;
      const known = await readReplay(db, runId);
      if (order === null) return tell(known, context, `\n${DRY}`);
      if (isPassed(known)) {
        // Who passed the last of it may have been killed before it said so.
        await endReplay(db, runId);
        return tell(await readReplay(db, runId), context);
      }
      const { kafka } = replayConfig(config);
      await orderReplay(db, runId, 'resume', operatorOf(order, config));
      // Its own process waits and goes on by itself.
      if (known.ordered === 'paused' && isAttended(known)) {
        return tell(await readReplay(db, runId), context);
      }
      return await withKafkaAdmin(kafka, async (admin) =>
        work(runId, { ...workOf(options), rate: options.rate ?? known.rate }, admin, context),
      );
    });
  },
});

/** `replay pause` and `replay cancel`: from any terminal; its processes obey before their next batches. */
export function orderingReplay(verb: Exclude<RunOrder, 'resume'>): Command<RunnerEnvironment> {
  return command({
    operands: { id: operand(id('replay'), 'which replay') },
    options: ACTING_OPTIONS,
    run: async ({ operands, options }, environment: RunnerEnvironment) => {
      const order = orderOf(options);
      const runId = BigInt(operands.id);
      return await onDatabase(environment, options.json, async (context) => {
        const { db, config } = context;
        if (order !== null) await orderReplay(db, runId, verb, operatorOf(order, config));
        return tell(await readReplay(db, runId), context, order === null ? `\n${DRY}` : '');
      });
    },
  });
}

function tell(known: Replay, { print }: CommandContext, end = ''): number {
  print(replayJson(known), `${replayText(known)}${end}`);
  return EXIT.success;
}

function workOf({
  parallelism,
  rate,
}: {
  readonly parallelism: number;
  readonly rate: number | undefined;
}): WorkReplayOptions {
  return { parallelism, rate: rate ?? null };
}

async function start(
  wanted: WantedRange,
  options: WorkReplayOptions,
  order: Order | null,
  admin: KafkaAdmin,
  context: CommandContext,
): Promise<number> {
  const { db, print } = context;
  const { rate } = options;
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
  return await work(runId, options, admin, context);
}

async function work(
  runId: bigint,
  options: WorkReplayOptions,
  admin: KafkaAdmin,
  context: CommandContext,
): Promise<number> {
  const { db, isJson, print, signal } = context;
  const view = new ProgressView(REPLAY_FORM, isJson);
  const outcome = await workReplay(await readReplay(db, runId), options, {
    db,
    admin,
    config: replayConfig(context.config),
    log: createLogger({ service: 'backfill-runner', level: context.config.logLevel }),
    onProgress: (progress) => view.update(progress),
    signal,
  }).finally(() => view.finish());
  const ended = await readReplay(db, runId);
  print({ outcome, ...replayJson(ended) }, replayText(ended));
  return OUTCOMES[outcome];
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

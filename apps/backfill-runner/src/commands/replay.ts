import { RefusedError } from '@adtally/analytics';
import { createReplay } from '../replay/runs/create-replay.ts';
import { recordAction } from '@adtally/db';
import { KafkaAdmin } from '@adtally/kafka';
import { createLogger } from '@adtally/telemetry';
import { parseCommand, timeMs, UsageError, wholeNumber } from '../args.ts';
import { operatorOf, ACTING_OPTIONS, type CommandContext, DRY } from '../context.ts';
import { EXIT } from '../exit-codes.ts';
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

const OPTIONS = {
  ...ACTING_OPTIONS,
  'from-time': { type: 'string' },
  'to-time': { type: 'string' },
  'from-offset': { type: 'string' },
  'to-offset': { type: 'string' },
  partition: { type: 'string', multiple: true },
  resume: { type: 'string' },
  rate: { type: 'string' },
} as const;

type Values = ReturnType<typeof parseCommand<typeof OPTIONS>>['values'];

const RATE_MAX = 100_000_000;
const PARTITION_MAX = 1_000_000;
/** Of one process on one core where all is there already, for estimates; the progress line has the true one. */
const RECORDS_PER_SECOND = 40_000;

/** `replay`: reads a range of the events topic again, through the path events take. */
export async function replay(args: readonly string[], context: CommandContext): Promise<number> {
  const { values, positionals } = parseCommand(args, OPTIONS);
  if (positionals.length > 0) throw new UsageError(`"${positionals[0]}" is not expected`);
  const config = replayConfig(context.config);
  const admin = new KafkaAdmin(config.kafka);
  try {
    return values.resume === undefined
      ? await start(values, admin, context)
      : await resume(values, values.resume, admin, context);
  } finally {
    admin.close();
  }
}

async function start(values: Values, admin: KafkaAdmin, context: CommandContext): Promise<number> {
  const { db, print } = context;
  const rate = rateOf(values);
  const plan = await planReplay(admin, db, requestOf(values, context));
  const ranges = plan.ranges.filter(({ first, end }) => end > first);
  const speed = Math.min(rate ?? RECORDS_PER_SECOND, RECORDS_PER_SECOND);
  const text = replayPlanText(plan, speed);
  if (!values.execute) {
    print({ dry: true, ...replayPlanJson(plan, speed) }, `${text}\n${DRY}`);
    return EXIT.done;
  }
  const operator = operatorOf(values, context.config);
  if (ranges.length === 0) throw new RefusedError('there is nothing to read in this range');
  // What is clipped is to be seen before the work, not only in its result.
  if (!context.isJson) process.stderr.write(`${text}\n`);
  const { topic, topicId } = plan;
  const runId = await createReplay(db, { topic, topicId, ranges, rate, ...operator });
  return await work(runId, rate, admin, context);
}

async function resume(
  values: Values,
  id: string,
  admin: KafkaAdmin,
  context: CommandContext,
): Promise<number> {
  const { db, print } = context;
  requireNoRange(values);
  const runId = BigInt(wholeNumber('--resume', id, 1, Number.MAX_SAFE_INTEGER));
  const known = await readReplay(db, runId);
  if (!values.execute) {
    print({ dry: true, ...replayJson(known) }, `${replayText(known)}\n${DRY}`);
    return EXIT.done;
  }
  const operator = operatorOf(values, context.config);
  const sign = async () => {
    await recordAction(db, operator, 'replay resume', { run_id: Number(runId) });
  };
  return await work(runId, rateOf(values) ?? known.rate, admin, context, sign);
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
  return outcome === 'done' ? EXIT.done : EXIT.interrupted;
}

function requestOf(values: Values, { config }: CommandContext): ReplayRequest {
  const from = boundOf('from', values['from-time'], values['from-offset']);
  const to = boundOf('to', values['to-time'], values['to-offset']);
  const partitions = values.partition?.map((text) =>
    wholeNumber('--partition', text, 0, PARTITION_MAX),
  );
  if (partitions === undefined && (from.kind === 'offset' || to.kind === 'offset')) {
    throw new UsageError('an offset means something only with --partition');
  }
  if (isReversed(from, to)) throw new UsageError('the range must begin before it ends');
  if (new Set(partitions).size !== (partitions?.length ?? 0)) {
    throw new UsageError('a partition is named twice');
  }
  const { eventsTopic } = replayConfig(config);
  return { topic: eventsTopic, partitions: partitions ?? null, from, to };
}

function isReversed(from: Bound, to: Bound): boolean {
  if (from.kind === 'time' && to.kind === 'time') return from.timeMs >= to.timeMs;
  return from.kind === 'offset' && to.kind === 'offset' && from.offset >= to.offset;
}

function boundOf(name: 'from' | 'to', time: string | undefined, offset: string | undefined): Bound {
  if (time !== undefined && offset !== undefined) {
    throw new UsageError(`--${name}-time and --${name}-offset exclude one another`);
  }
  if (time !== undefined) return { kind: 'time', timeMs: timeMs(`--${name}-time`, time) };
  if (offset === undefined) return { kind: 'none' };
  return {
    kind: 'offset',
    offset: wholeNumber(`--${name}-offset`, offset, 0, Number.MAX_SAFE_INTEGER),
  };
}

function requireNoRange(values: Values): void {
  const named = ['from-time', 'to-time', 'from-offset', 'to-offset', 'partition'] as const;
  const given = named.find((name) => values[name] !== undefined);
  if (given !== undefined) throw new UsageError(`--${given}: a replay keeps its range`);
}

function rateOf({ rate }: Values): number | null {
  return rate === undefined ? null : wholeNumber('--rate', rate, 1, RATE_MAX);
}
